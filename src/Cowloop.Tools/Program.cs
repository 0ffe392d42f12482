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
#pragma warning disable CA1031 // Nobody is served by a stack trace.
catch (Exception exception)
#pragma warning restore CA1031
{
    Console.Error.WriteLine($"{Path.GetFileName(program)}: unexpected: {exception.Message} ({exception.GetType().Name}); please report this");
    return UnexpectedExitCode;
}
