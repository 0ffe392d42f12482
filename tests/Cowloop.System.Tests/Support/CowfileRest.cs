using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.SystemTests.Support;

/// <summary>Looks at cowfiles that no device uses, with what is behind <c>cowloop check</c>.</summary>
internal static class CowfileRest
{
    /// <summary>What is wrong with a cowfile, or empty.</summary>
    /// <param name="cowfile">Path of the cowfile.</param>
    /// <param name="image">Its base, or null when nobody knows what has become of that.</param>
    public static IEnumerable<string> Problems(string cowfile, string? image)
    {
        using PosixFile file = Open(cowfile);
        using PosixFile? baseFile = image is null ? null : Open(image);
        CheckedFile? checkedBase = baseFile is null ? null : new CheckedFile(baseFile, image!);
        return
        [
            .. Checker.Run(new CheckedFile(file, cowfile), checkedBase, NobodyWatches.Instance).Select(problem => $"{cowfile}: {problem.Text}"),
        ];
    }

    private static PosixFile Open(string path)
    {
        Errno errno = PosixFile.TryOpenRead(path, out PosixFile? file);
        return file ?? throw new CowloopException(errno, $"cannot open {path}: {errno.Text()}");
    }
}
