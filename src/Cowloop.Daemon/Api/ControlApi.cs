using System.Net.ServerSentEvents;
using System.Text.Json.Serialization;
using Cowloop.Control;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cowloop.Daemon.Api;

/// <summary>The control API: HTTP and JSON over a unix socket, described at /openapi.json.</summary>
internal static class ControlApi
{
    // A request goes two levels deep. What goes deepest is the description of a reply, which the same options write.
    private const int MaxDepth = 16;

    private const string EventStream = "text/event-stream";

    /// <summary>Makes the server; it does not listen yet.</summary>
    public static WebApplication Create(CowService service, CowloopPaths paths, int maxDevices)
    {
        // Empty: no settings file of whatever directory it starts in, no environment variables, no console logger.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, ServiceLifetime>();
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            // Exactly what the description says, and each thing said once.
            options.SerializerOptions.AllowDuplicateProperties = false;
            options.SerializerOptions.MaxDepth = MaxDepth;
            options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            options.SerializerOptions.PropertyNameCaseInsensitive = false;
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
        ConnectionGate gate = ControlServer.Configure(builder.WebHost, paths, maxDevices);

        WebApplication app = builder.Build();
        ControlErrors.Use(app);
        app.Use((context, next) => context.GetEndpoint()?.Metadata.GetMetadata<WaitingRequest>() is null ? next(context) : gate.WaitAsync(context, next));
        app.MapOpenApi("/{documentName}.json");
        Map(app.MapGroup("/v1").WithTags("v1").WithMetadata(ControlErrors.Responses), service);
        return app;
    }

    private static void Map(RouteGroupBuilder v1, CowService service)
    {
        v1.MapGet("/service", () => service.Describe())
            .WithSummary("State of the service and all devices");
        v1.MapPost("/service/sync", () => Done(service.Sync))
            .WithSummary("Makes all cowfiles durable and clean")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPost("/service/unload", ([FromBody] UnloadRequest request) => UnloadAsync(service, request))
            .WithSummary("Deactivates all devices and ends the service")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapGet("/devices", () => service.Describe().Devices)
            .WithSummary("State of all devices");
        v1.MapPost("/devices", ([FromBody] AttachRequest request) => Created(service.Attach(request)))
            .WithSummary("Activates a device")
            .Produces<AttachReply>(StatusCodes.Status201Created);
        v1.MapGet("/devices/{number:int}", (int number) => service.Describe(number))
            .WithSummary("State of a device");
        v1.MapDelete("/devices/{number:int}", (int number) => Done(() => service.Detach(number)))
            .WithSummary("Deactivates a device")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPatch("/devices/{number:int}", (int number, [FromBody] SettingsRequest request) => service.Configure(number, request))
            .WithSummary("Changes how a device behaves when space for its cowfile runs short; changes that wait for space do what is said now");
        v1.MapPost("/devices/{number:int}/grow", (int number, [FromBody] GrowRequest request) => service.Grow(number, request))
            .WithSummary("Makes more room for the changes of a device: another limit for its compact store, or all of its block device; what waits goes on");
        v1.MapPost("/devices/{number:int}/cowfile", (int number, [FromBody] CowfileRequest request) => Done(() => service.Restrict(number, request.Access)))
            .WithSummary("Makes the cowfile of a device clean and reopens it read-only or closes it, also while the device is in use")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPost("/devices/{number:int}/snapshot", (int number, [FromBody] SnapshotRequest request) => service.Snapshot(number, request))
            .WithSummary("Seals the cowfile of a device, also while it is in use; it becomes a layer, and a new cowfile takes the changes");
        v1.MapPost("/devices/{number:int}/fork", (int number, [FromBody] ForkRequest request) => Created(service.Fork(number, request)))
            .WithSummary("Makes a second device of what a device holds now, also while it is in use")
            .Produces<ForkReply>(StatusCodes.Status201Created);
        v1.MapPost("/devices/{number:int}/rollback", (int number) => Done(() => service.Rollback(number)))
            .WithSummary("Throws the changes in the cowfile of a device away, unless it is in use")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPost("/devices/{number:int}/layers/merge", (int number, CancellationToken aborted) => service.MergeLayers(number, aborted))
            .WithSummary("Merges the topmost layer of a device, also in use, into the one below it; what else lies on that one is refused from then on");
        v1.MapGet("/devices/{number:int}/space", (int number) => service.GetSpace(number))
            .WithSummary("Space on the filesystem that holds the cowfile of a device");
        v1.MapGet(
                "/devices/{number:int}/space/wait",
                (int number, ulong thresholdKiB, CancellationToken aborted) => service.WaitForSpaceAsync(number, thresholdKiB, aborted))
            .WithMetadata(new WaitingRequest())
            .WithSummary("The same as soon as no more than the threshold is available, or when the device is deactivated; one client can wait per device");
        v1.MapGet("/events", (CancellationToken aborted) => TypedResults.ServerSentEvents(Name(service.Events.Listen(aborted))))
            .WithMetadata(new WaitingRequest())
            .WithSummary("What happens to devices, as server-sent events; the first one, and every one after a loss, is how all devices stand")
            // The data of each.
            .Produces<ServiceEvent>(StatusCodes.Status200OK, EventStream);
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

    private static JsonHttpResult<ForkReply> Created(ForkReply reply) =>
        TypedResults.Json(reply, ControlJson.Default.ForkReply, statusCode: StatusCodes.Status201Created);

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

    /// <summary>Marks what is answered when something happens.</summary>
    private sealed class WaitingRequest;

    /// <summary>Signals are the service's own business.</summary>
    private sealed class ServiceLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
