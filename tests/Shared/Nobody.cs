namespace Cowloop.Tests.Support;

/// <summary>Runs copies of the programs as the user nobody: the repository may lie where only root may look.</summary>
public sealed class Nobody : IDisposable
{
    private readonly Lazy<TempDirectory> _copies = new(Copy);

    /// <summary>The name that a program is called by.</summary>
    public string Program(string name) => _copies.Value[name];

    internal CommandResult Try(ShellOptions options, string program, params string[] arguments) =>
        Shell.Try(options, "setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", Program(program), .. arguments]);

    public void Dispose()
    {
        if (_copies.IsValueCreated)
        {
            _copies.Value.Dispose();
        }
    }

    private static TempDirectory Copy()
    {
        var copies = new TempDirectory();
        Shell.RunScript($"chmod 755 {copies.Path}; cp -a {Repository.Binaries}/cow* {copies.Path}");
        return copies;
    }
}
