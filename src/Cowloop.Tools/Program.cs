using Cowloop.Linux;
using Cowloop.Tools.Applets;
using Cowloop.Tools.Verbs;

const int UnexpectedExitCode = 70;

// One program, many names: a link called cowdev makes it cowdev. Any other name is the front with verbs.
string program = HostProcess.CalledName();
try
{
    return Path.GetFileName(program) switch
    {
        "cowctl" => Cowctl.Run(program, args),
        "cowdev" => Cowdev.Run(program, args),
        "cowlist" => Cowlist.Run(program, args),
        "cowmerge" => Cowmerge.Run(program, args),
        "cowpack" => Cowpack.Run(program, args),
        "cowrepair" => Cowrepair.Run(program, args),
        "cowsync" => Cowsync.Run(program, args),
        "cowwatch" => Cowwatch.Run(program, args),
        _ => CowloopFront.Run(args),
    };
}
catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
{
    // Every file has errors of its own; what is left is standard output. What was done is done.
    Console.Error.WriteLine($"{Path.GetFileName(program)}: cannot write to standard output: {exception.Message}");
    return Path.GetFileName(program) is "cowctl" or "cowdev" or "cowloop" or "cowwatch" ? 2 : 1;
}
#pragma warning disable CA1031 // Nobody is served by a stack trace.
catch (Exception exception)
#pragma warning restore CA1031
{
    Console.Error.WriteLine($"{Path.GetFileName(program)}: unexpected: {exception.Message} ({exception.GetType().Name}); please report this");
    return UnexpectedExitCode;
}
