using System.Diagnostics;
using System.Globalization;

namespace Cowloop.Tests.Support;

/// <summary>An SQLite database that says which of its transactions are promised to be there: the real program, fed through its standard input.</summary>
internal sealed class Database : IDisposable
{
    private readonly Process _program;

    private Database(string path) => _program = Shell.Start(new ShellOptions(), "sqlite3", "-batch", "-bail", path);

    /// <summary>Makes a database.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="journalMode">How it survives crashes: <c>DELETE</c> or <c>WAL</c>.</param>
    public static Database Create(string path, string journalMode)
    {
        var database = new Database(path);
        // FULL is all that WAL needs. Without WAL a commit is the removal of the journal, and only EXTRA makes that durable.
        string synchronous = journalMode == "WAL" ? "FULL" : "EXTRA";
        database.Ask($"PRAGMA journal_mode={journalMode}; PRAGMA synchronous={synchronous}; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);", lineCount: 1);
        return database;
    }

    /// <summary>Returns when the transaction is committed: from then on it must never be missing.</summary>
    public void Commit(int number) => Ask(
        $"BEGIN; INSERT INTO t VALUES({Text(number)}, randomblob({Text(500 + number * 37 % 6000)})); COMMIT; SELECT count(*) FROM t;",
        lineCount: 1);

    /// <summary>Checks a database, whose transactions were numbered without a gap, and counts them: there must be all up to the last.</summary>
    public static int CheckAndCount(string path)
    {
        CommandResult result = Shell.Run("sqlite3", "-batch", path, "PRAGMA integrity_check; SELECT count(*) FROM t; SELECT ifnull(max(id) - min(id) + 1, 0) FROM t;");
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("ok", lines[0]);
        Assert.Equal(lines[1], lines[2]);
        return int.Parse(lines[1], CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _program.StandardInput.Close();
        _program.WaitForExit();
        Assert.Equal("", _program.StandardError.ReadToEnd());
        _program.Dispose();
    }

    private void Ask(string statements, int lineCount)
    {
        _program.StandardInput.WriteLine(statements);
        _program.StandardInput.Flush();
        for (int line = 0; line < lineCount; line++)
        {
            Assert.NotNull(_program.StandardOutput.ReadLine());
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
