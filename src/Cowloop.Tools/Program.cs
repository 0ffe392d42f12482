using Cowloop.Linux;
using Cowloop.Tools.Applets;
using Cowloop.Tools.Verbs;

// One program, many names: a link called cowdev makes it cowdev. Any other name is the front with verbs.
string program = HostProcess.CalledName();
return Path.GetFileName(program) switch
{
    "cowdev" => Cowdev.Run(program, args),
    "cowlist" => Cowlist.Run(program, args),
    "cowmerge" => Cowmerge.Run(program, args),
    "cowpack" => Cowpack.Run(program, args),
    "cowrepair" => Cowrepair.Run(program, args),
    "cowsync" => Cowsync.Run(program, args),
    _ => CowloopFront.Run(args),
};
