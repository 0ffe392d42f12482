using System.CommandLine;

namespace Cowloop.Tools.Verbs;

/// <summary>A verb of cowloop, with an example that its help shows.</summary>
internal sealed class Verb(string name, string description, string example) : Command(name, description)
{
    /// <summary>One command line that a new user can try.</summary>
    public string Example => example;
}
