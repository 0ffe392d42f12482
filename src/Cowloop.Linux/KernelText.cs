namespace Cowloop.Linux;

/// <summary>
/// Small texts of /proc and /sys. What they tell of comes and goes while it is looked at, and some of it is not for everybody: what can't
/// be read is empty.
/// </summary>
internal static class KernelText
{
    /// <summary>Reads a text without its last newline.</summary>
    public static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path).TrimEnd('\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>The paths of a directory's entries.</summary>
    public static string[] EntriesOf(string directory)
    {
        try
        {
            return Directory.GetFileSystemEntries(directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>What a symbolic link says.</summary>
    public static string TargetOf(string link)
    {
        try
        {
            return new FileInfo(link).LinkTarget ?? "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
