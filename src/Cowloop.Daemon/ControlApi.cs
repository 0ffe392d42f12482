using System.Net.ServerSentEvents;
using Cowloop.Control;
using Cowloop.Core;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Cowloop.Daemon;

/// <summary>The control API: HTTP and JSON over a unix socket that only root may open, described at /openapi.json.</summary>
internal static class ControlApi
{
    // Two paths of at most 4096 characters and some JSON around them.
    private const long MaxRequestBytes = 64 * 1024;

    private const string ApiHint = "GET /openapi.json describes the requests";

    private static readonly ProducesResponseTypeMetadata[] ErrorResponses =
    [
        new(StatusCodes.Status400BadRequest, typeof(ErrorReply), ["application/json"]),
        new(StatusCodes.Status404NotFound, typeof(ErrorReply), ["application/json"]),
        new(StatusCodes.Status409Conflict, typeof(ErrorReply), ["application/json"]),
        new(StatusCodes.Status500InternalServerError, typeof(ErrorReply), ["application/json"]),
        new(StatusCodes.Status507InsufficientStorage, typeof(ErrorReply), ["application/json"]),
    ];

    /// <summary>Makes the server; it does not listen yet.</summary>
    public static WebApplication Create(CowService service, CowloopPaths paths)
    {
        // Empty: no settings file of whatever directory it starts in, no environment variables, no console logger.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, ServiceLifetime>();
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.RespectNullableAnnotations = true;
            options.SerializerOptions.RespectRequiredConstructorParameters = true;
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, ControlJson.Default);
        });
        builder.Services.AddOpenApi("openapi", options => options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "cowloop control API";
            document.Info.Version = ProgramVersion.Text;
            document.Servers = [];
            return Task.CompletedTask;
        }));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = MaxRequestBytes;
            options.ListenUnixSocket(paths.ControlSocket);
        });

        WebApplication app = builder.Build();
        app.UseExceptionHandler(handler => handler.Run(WriteErrorAsync));
        app.MapOpenApi("/{documentName}.json");
        app.MapFallback(context => throw new CowloopException(
            Errno.ENODEV,
            $"there is no {context.Request.Method} {context.Request.Path}",
            ApiHint));
        Map(app.MapGroup("/v1").WithTags("v1").WithMetadata(ErrorResponses), service);
        return app;
    }

    private static void Map(RouteGroupBuilder v1, CowService service)
    {
        v1.MapGet("/service", () => service.Describe())
            .WithSummary("State of the service and all devices");
        v1.MapPost("/service/sync", () => Done(service.Sync))
            .WithSummary("Makes all cowfiles durable and clean")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPost("/service/unload", (UnloadRequest request) => UnloadAsync(service, request))
            .WithSummary("Deactivates all devices and ends the service")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapGet("/devices", () => service.Describe().Devices)
            .WithSummary("State of all devices");
        v1.MapPost("/devices", (AttachRequest request) => Created(service.Attach(request)))
            .WithSummary("Activates a device")
            .Produces<AttachReply>(StatusCodes.Status201Created);
        v1.MapGet("/devices/{number:int}", (int number) => service.Describe(number))
            .WithSummary("State of a device");
        v1.MapDelete("/devices/{number:int}", (int number) => Done(() => service.Detach(number)))
            .WithSummary("Deactivates a device")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPatch("/devices/{number:int}", (int number, DeviceSettings settings) => service.Configure(number, settings))
            .WithSummary("Changes how a device behaves when space for its cowfile runs short; changes that wait for space do what is said now");
        v1.MapPost("/devices/{number:int}/cowfile", (int number, CowfileRequest request) => Done(() => service.Restrict(number, request.Access)))
            .WithSummary("Makes the cowfile of a device clean and reopens it read-only or closes it, also while the device is in use")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapGet("/devices/{number:int}/space", (int number) => service.GetSpace(number))
            .WithSummary("Space on the filesystem that holds the cowfile of a device");
        v1.MapGet(
                "/devices/{number:int}/space/wait",
                (int number, ulong thresholdKiB, CancellationToken aborted) => service.WaitForSpaceAsync(number, thresholdKiB, aborted))
            .WithSummary("The same as soon as no more than the threshold is available, or when the device is deactivated; one client can wait per device");
        v1.MapGet("/events", (CancellationToken aborted) => TypedResults.ServerSentEvents(Name(service.Events.Listen(aborted))))
            .WithSummary("What happens to devices, as server-sent events; the first one, and every one after a loss, is how all devices stand");
    }

    private static async IAsyncEnumerable<SseItem<ServiceEvent>> Name(IAsyncEnumerable<ServiceEvent> events)
    {
        await foreach (ServiceEvent happened in events)
        {
            yield return new SseItem<ServiceEvent>(happened, happened.Event);
        }
    }

    private static JsonHttpResult<AttachReply> Created(AttachReply reply) =>
        TypedResults.Json(reply, ControlJson.Default.AttachReply, statusCode: StatusCodes.Status201Created);

    private static NoContent Done(Action action)
    {
        action();
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> UnloadAsync(CowService service, UnloadRequest request)
    {
        if (request.Wait)
        {
            service.Drain();
            await service.Ended;
        }
        else
        {
            service.Unload();
        }
        return TypedResults.NoContent();
    }

    private static Task WriteErrorAsync(HttpContext context)
    {
        Exception? exception = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        CowloopException shown = exception switch
        {
            CowloopException known => known,
            BadHttpRequestException bad => new CowloopException(Errno.EINVAL, bad.InnerException?.Message ?? bad.Message, ApiHint),
            _ => new CowloopException(Errno.EIO, $"unexpected: {exception?.Message}", "please report this, with the service's log"),
        };
        if (exception is not (CowloopException or BadHttpRequestException))
        {
            ServiceLog.Error($"unexpected: {exception}");
        }
        context.Response.StatusCode = shown.Errno switch
        {
            Errno.EINVAL or Errno.ENAMETOOLONG => StatusCodes.Status400BadRequest,
            Errno.ENODEV => StatusCodes.Status404NotFound,
            Errno.EBUSY or Errno.EAGAIN => StatusCodes.Status409Conflict,
            Errno.ENOSPC => StatusCodes.Status507InsufficientStorage,
            _ => StatusCodes.Status500InternalServerError,
        };
        return context.Response.WriteAsJsonAsync(ControlJson.Describe(shown), ControlJson.Default.ErrorReply);
    }

    /// <summary>Signals are the service's own business.</summary>
    private sealed class ServiceLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
