using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Cowloop.Control;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop VERB: the front that shows what there is.</summary>
internal static class CowloopFront
{
    // A name that begins with @ is a file like any other.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    public static int Run(string[] arguments)
    {
        RootCommand root = Create();
        ParseResult result = Parse(root, arguments);
        if (arguments.Length == 0)
        {
            // Standard output may be going into a variable or a file.
            Parse(root, "--help").Invoke(new InvocationConfiguration { Output = Console.Error });
            return VerbRunner.FailureExitCode;
        }
        if (UsageErrors.Report(result))
        {
            return VerbRunner.FailureExitCode;
        }
        // Program says what nobody expected.
        return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    /// <summary>All verbs.</summary>
    internal static RootCommand Create()
    {
        var root = new RootCommand("Writable block devices made of any read-only image and a sparse file that holds only what changed.")
        {
            AttachVerb.Create(),
            DetachVerb.Create(),
            CreateVerb.Create(),
            SnapshotVerb.Create(),
            ForkVerb.Create(),
            RollbackVerb.Create(),
            ListVerb.Create(),
            SyncVerb.Create(),
            SetVerb.Create(),
            GrowVerb.Create(),
            WatchVerb.Create(),
            EventsVerb.Create(),
            InfoVerb.Create(),
            CheckVerb.Create(),
            RepairVerb.Create(),
            MergeVerb.Create(),
            SealVerb.Create(),
            FlattenVerb.Create(),
            DiffVerb.Create(),
            RebaseVerb.Create(),
            CompactVerb.Create(),
            ConvertVerb.Create(),
            PackVerb.Create(),
            UnpackVerb.Create(),
            ImportDmVerb.Create(),
            ExportDmVerb.Create(),
            StatusVerb.Create(),
            UpVerb.Create(),
            DownVerb.Create(),
            LoadVerb.Create(),
            UnloadVerb.Create(),
            CompletionVerb.Create(),
        };
        root.Options.OfType<VersionOption>().Single().Action = new PrintVersion();
        // Without the aliases of other systems.
        root.Options.Remove(root.Options.OfType<HelpOption>().Single());
        var help = new HelpOption("--help", "-h");
        help.Action = new PrintHelp((HelpAction)help.Action!);
        root.Add(help);
        return root;
    }

    /// <summary>Reads a command line.</summary>
    internal static ParseResult Parse(RootCommand root, params string[] arguments) => root.Parse(arguments, Parsing);

    /// <summary>The library's help, and a verb's example behind it.</summary>
    private sealed class PrintHelp(HelpAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            int exitCode = help.Invoke(parseResult);
            if (parseResult.CommandResult.Command is Verb verb)
            {
                Console.WriteLine($"Example:\n  {verb.Example}");
            }
            return exitCode;
        }
    }

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            Console.WriteLine($"cowloop {ProgramVersion.Text}");
            return 0;
        }
    }
}
