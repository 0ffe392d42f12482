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

    /// <summary>
    /// The links in /proc that stand for the open files of a process or thread. They are found without a look at the files: one of them may be on a
    /// filesystem that does not answer, and whoever asks it would hang with it. To list fd itself would be to ask, for a listing follows links.
    /// </summary>
    /// <param name="process">Its directory, such as /proc/self.</param>
    public static string[] DescriptorsOf(string process) => [.. EntriesOf($"{process}/fdinfo").Select(entry => $"{process}/fd/{Path.GetFileName(entry)}")];

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
