using System.Globalization;
using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>
/// A file that is made whole or not at all: it gets its name only when it is complete and durable. A file that has the name already stays as it
/// is until then. Where the name is a symbolic link, the link stays and the file behind it is replaced.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private const int MaxLinks = 40;

    private readonly string _name;
    private readonly PosixFile? _replaced;
    private string _path = "";
    private string _temporaryPath = "";
    private PosixFile? _file;
    private StoredFile? _stored;
    private bool _isCommitted;

    private OutputFile(string name, PosixFile? replaced)
    {
        _name = name;
        _replaced = replaced;
    }

    /// <summary>Verifies that there may be such a file; nothing is made yet.</summary>
    /// <param name="name">Its name, as the user gave it.</param>
    /// <param name="source">What it is made of; may not be replaced by it.</param>
    /// <param name="overwrite">Replace a file that has the name already, if nobody uses it.</param>
    /// <exception cref="CowloopException">There may not.</exception>
    public static OutputFile Prepare(string name, FileIdentity source, bool overwrite) => Prepare(name, [source], overwrite);

    /// <inheritdoc cref="Prepare(string, FileIdentity, bool)"/>
    /// <param name="name">Its name, as the user gave it.</param>
    /// <param name="sources">What it is made of; none of them may be replaced by it.</param>
    /// <param name="overwrite">Replace a file that has the name already, if nobody uses it.</param>
    public static OutputFile Prepare(string name, IReadOnlyList<FileIdentity> sources, bool overwrite) =>
        new(name, OpenReplaced(name, sources, overwrite));

    /// <summary>Makes the file, empty, under a temporary name beside its later one.</summary>
    /// <returns>The file to write to; owned by this.</returns>
    /// <exception cref="CowloopException">It can't be made.</exception>
    public CheckedFile Create()
    {
        _path = FollowLinks(_name);
        Errno errno;
        do
        {
            _temporaryPath = string.Create(CultureInfo.InvariantCulture, $"{DirectoryOf(_path)}.cowpack-{Random.Shared.Next():x8}");
            errno = PosixFile.TryCreate(_temporaryPath, out _file);
        }
        while (errno == Errno.EEXIST);
        return _file is null ? throw NotMade(_name, errno) : new CheckedFile(_file, _name);
    }

    /// <summary>What <see cref="CreateCowfile"/> has made; owned by this.</summary>
    public StoredFile? Stored => _stored;

    /// <summary>Makes the file as <see cref="Create"/> does, for a cowfile.</summary>
    /// <param name="layout">Layout of the cowfile.</param>
    /// <param name="store">What it is kept in; null: what suits the filesystem.</param>
    /// <returns>A file of length 0 to write the cowfile to; owned by this.</returns>
    /// <exception cref="CowloopException">It can't be made.</exception>
    public CheckedFile CreateCowfile(CowLayout layout, StoreChoice? store)
    {
        _ = Create();
        _stored = (store ?? StoreChoice.For(_file!)).Make(_file!, _name, layout);
        return new CheckedFile(_stored, _name);
    }

    /// <summary>Makes the file durable and gives it its name.</summary>
    /// <exception cref="CowloopException">It fails; what had the name has it still.</exception>
    public void Commit()
    {
        IBlockFile file = _stored is null ? _file! : _stored;
        new CheckedFile(file, _name).Sync(Fault.WriteData);
        if (_replaced is null && FileIdentity.TryGet(_path, out _) == Errno.None)
        {
            string reason = $"{_name} was made by somebody else meanwhile";
            throw new CowloopException(Errno.EEXIST, reason, "look at it, then run this again") { Fault = Fault.WriteData };
        }
        Errno errno = PosixFile.Rename(_temporaryPath, _path);
        if (errno != Errno.None)
        {
            throw new CowloopException(errno, $"{_name} cannot be given its name: {errno.Text()}") { Fault = Fault.WriteData };
        }
        _isCommitted = true;
    }

    /// <summary>Closes the file, and removes it unless it has its name.</summary>
    public void Dispose()
    {
        _replaced?.Dispose();
        _stored?.Dispose();
        _file?.Dispose();
        if (_file is not null && !_isCommitted)
        {
            _ = PosixFile.Unlink(_temporaryPath);
        }
    }

    /// <summary>Opens what has the name already, so that nobody begins to use it meanwhile.</summary>
    private static PosixFile? OpenReplaced(string name, IReadOnlyList<FileIdentity> sources, bool overwrite)
    {
        Errno errno = FileIdentity.TryGet(name, out FileIdentity identity);
        if (errno == Errno.ENOENT && name.Length > 0)
        {
            return null;
        }
        if (errno != Errno.None)
        {
            throw NotMade(name, errno);
        }
        if (sources.Any(identity.IsSameAs))
        {
            throw new CowloopException(Errno.EINVAL, $"{name} is the file to read from", "name another file for the result");
        }
        // Not even opened: with some devices that does something.
        if (identity.Kind is not (FileKind.Regular or FileKind.Directory))
        {
            throw new CowloopException(Errno.EINVAL, $"{name} is not a regular file", "name a file for the result");
        }
        return overwrite || identity.Kind == FileKind.Directory
            ? FileOpener.OpenToReplace(name)
            : throw new CowloopException(Errno.EEXIST, $"{name} exists already", "name another file, or replace it with --force");
    }

    private static CowloopException NotMade(string name, Errno errno) => new(
        errno,
        $"{name} cannot be made: {errno.Text()}",
        errno is Errno.EACCES or Errno.EROFS ? "name a file in a directory that you may write to" : null);

    private static string FollowLinks(string path)
    {
        for (int count = 0; PosixFile.ReadLink(path) is string target; count++)
        {
            if (count == MaxLinks)
            {
                throw NotMade(path, Errno.ELOOP);
            }
            path = target.StartsWith('/') ? target : DirectoryOf(path) + target;
        }
        return path;
    }

    /// <summary>What stands before the file's own name, not normalised: behind a symbolic link ".." is not what it looks like.</summary>
    private static string DirectoryOf(string path) => path[..(path.LastIndexOf('/') + 1)];
}
