using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Images;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>
/// The compressed images in use as bases. All devices on the same one have one index and one cache of decompressed blocks; it is closed with the
/// last of them. A file that has changed since is another image: who opens it then must not see blocks of the former content.
/// </summary>
internal sealed class CompressedBases
{
    // What was compressed knows nothing of the sectors of a device that holds it.
    private const int SectorSize = 512;

    private readonly Lock _lock = new();
    private readonly List<Image> _images = [];

    /// <summary>Looks whether an opened base is a compressed image, by its content.</summary>
    /// <param name="name">As the user named it.</param>
    /// <param name="opened">The base; what is returned takes its place.</param>
    /// <returns>The base decompressed, or as it was.</returns>
    /// <exception cref="CowloopException">It is compressed and can't be used; it still belongs to the caller.</exception>
    public OpenedBase Recognise(string name, OpenedBase opened)
    {
        if (!CloopIndex.IsCloop(opened.File))
        {
            return opened;
        }
        if (TryShare(opened.Identity, opened.Hints, null) is Image shared)
        {
            opened.File.Dispose();
            return opened with { File = new SharedFile(this, shared), SectorSize = SectorSize };
        }
        // Under no lock: its disk may hang, and that concerns nobody else.
        var cloop = CloopImage.Open(opened.File, $"rdofile {name}", words => new NativeWords(words), Schedule);
        Image image = TryShare(opened.Identity, opened.Hints, cloop)!;
        if (image.Cloop != cloop)
        {
            cloop.Dispose();
        }
        return opened with { File = new SharedFile(this, image), SectorSize = SectorSize };
    }

    private static void Schedule(Action action) => ThreadPool.UnsafeQueueUserWorkItem(static work => work(), action, preferLocal: false);

    /// <summary>Takes part in an image that is in use already; else adds the one that was opened, if there is one.</summary>
    private Image? TryShare(FileIdentity identity, BaseHints? hints, CloopImage? opened)
    {
        lock (_lock)
        {
            Image? image = _images.Find(other => other.Hints == hints && other.Identity.IsSameAs(identity));
            if (image is null && opened is not null)
            {
                image = new Image(opened, identity, hints);
                _images.Add(image);
            }
            if (image is not null)
            {
                image.UserCount++;
            }
            return image;
        }
    }

    private void Leave(Image image)
    {
        lock (_lock)
        {
            if (--image.UserCount > 0)
            {
                return;
            }
            _images.Remove(image);
        }
        image.Cloop.Dispose();
    }

    private sealed class Image(CloopImage cloop, FileIdentity identity, BaseHints? hints)
    {
        public CloopImage Cloop => cloop;

        public FileIdentity Identity => identity;

        public BaseHints? Hints => hints;

        /// <summary>Devices that have it as their base; guarded by the lock.</summary>
        public int UserCount { get; set; }
    }

    /// <summary>One device's part in an image: disposing of it leaves the others theirs.</summary>
    private sealed class SharedFile(CompressedBases owner, Image image) : ReadOnlyFile
    {
        private int _isDisposed;

        public override long LengthBytes => image.Cloop.LengthBytes;

        public override Errno ReadAt(long offsetBytes, Span<byte> target) => image.Cloop.ReadAt(offsetBytes, target);

        public override Errno NextData(long offsetBytes, out long startBytes, out long endBytes) =>
            image.Cloop.NextData(offsetBytes, out startBytes, out endBytes);

        protected override void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                owner.Leave(image);
            }
        }
    }
}
