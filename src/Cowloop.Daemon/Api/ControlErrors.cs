using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Net.Http.Headers;

namespace Cowloop.Daemon.Api;

/// <summary>What the control API answers instead of a result: always an <see cref="ErrorReply"/>, whoever refuses the request.</summary>
internal static class ControlErrors
{
    private const string ApiHint = "GET /openapi.json describes the requests";

    /// <summary>What an endpoint may answer, for the description.</summary>
    public static ProducesResponseTypeMetadata[] Responses { get; } =
    [
        .. new[]
        {
            StatusCodes.Status400BadRequest,
            StatusCodes.Status403Forbidden,
            StatusCodes.Status404NotFound,
            StatusCodes.Status409Conflict,
            StatusCodes.Status413PayloadTooLarge,
            StatusCodes.Status415UnsupportedMediaType,
            StatusCodes.Status500InternalServerError,
            StatusCodes.Status503ServiceUnavailable,
            StatusCodes.Status507InsufficientStorage,
        }.Select(status => new ProducesResponseTypeMetadata(status, typeof(ErrorReply), ["application/json"])),
    ];

    /// <summary>Answers the errors of everything that is added after it.</summary>
    public static void Use(WebApplication app)
    {
        app.UseExceptionHandler(handler => handler.Run(context => WriteAsync(context, Thrown(context))));
        app.UseStatusCodePages(pages => WriteAsync(pages.HttpContext, Refused(pages.HttpContext)));
        app.Use(RefuseEmptyQueries);
        app.Use(RefuseOtherEncodings);
    }

    private static CowloopException Thrown(HttpContext context)
    {
        Exception? exception = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        switch (exception)
        {
            case CowloopException known:
                context.Response.StatusCode = known.Errno switch
                {
                    Errno.EINVAL or Errno.ENAMETOOLONG => StatusCodes.Status400BadRequest,
                    Errno.ENODEV => StatusCodes.Status404NotFound,
                    Errno.EBUSY or Errno.EAGAIN => StatusCodes.Status409Conflict,
                    Errno.ENOSPC => StatusCodes.Status507InsufficientStorage,
                    _ => StatusCodes.Status500InternalServerError,
                };
                return known;
            case BadHttpRequestException bad:
                context.Response.StatusCode = bad.StatusCode;
                return bad.StatusCode == StatusCodes.Status400BadRequest
                    ? new CowloopException(Errno.EINVAL, bad.InnerException is JsonException json ? Explain(json) : bad.Message, ApiHint)
                    : Refused(context);
            default:
                ServiceLog.Error($"unexpected: {exception}");
                return new CowloopException(Errno.EIO, $"unexpected: {exception?.Message}", "please report this, with the service's log");
        }
    }

    /// <summary>Our types have the names here that they have in the description.</summary>
    private static string Explain(JsonException exception) => exception.Message.Replace($"{typeof(ErrorReply).Namespace}.", "", StringComparison.Ordinal);

    /// <summary>A status without a word: the server itself has refused the request.</summary>
    private static CowloopException Refused(HttpContext context)
    {
        string request = $"{context.Request.Method} {context.Request.Path}";
        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => new(Errno.ENOSYS, $"there is no {request}", ApiHint),
            StatusCodes.Status405MethodNotAllowed => new(Errno.ENOSYS, $"there is no {request}, only {context.Response.Headers.Allow}", ApiHint),
            StatusCodes.Status413PayloadTooLarge => new(Errno.EINVAL, "the request's body is too large", ApiHint),
            StatusCodes.Status415UnsupportedMediaType => new(
                Errno.EINVAL,
                $"the request's body is not said to be JSON in UTF-8, but '{context.Request.ContentType}'",
                "send the header Content-Type: application/json"),
            StatusCodes.Status408RequestTimeout => new(Errno.EINVAL, "the request's body came too slowly"),
            _ => new(Errno.EINVAL, "the request's body is not sent as HTTP wants it"),
        };
    }

    /// <summary>A number that is empty would be taken for 0.</summary>
    private static Task RefuseEmptyQueries(HttpContext context, RequestDelegate next) =>
        context.Request.Query.FirstOrDefault(pair => pair.Value.Any(string.IsNullOrEmpty)).Key is string name
            ? throw new BadHttpRequestException($"the query says nothing for {name}")
            : next(context);

    /// <summary>JSON is UTF-8, and the reader knows no other name for it.</summary>
    private static Task RefuseOtherEncodings(HttpContext context, RequestDelegate next)
    {
        if (MediaTypeHeaderValue.TryParse(context.Request.ContentType, out MediaTypeHeaderValue? type)
            && type.Charset.HasValue
            && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        }
        return next(context);
    }

    private static Task WriteAsync(HttpContext context, CowloopException error) =>
        context.Response.WriteAsJsonAsync(ControlJson.Describe(error), ControlJson.Default.ErrorReply);
}
