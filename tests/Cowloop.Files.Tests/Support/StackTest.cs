using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Layers;
using Cowloop.Linux;

namespace Cowloop.Files.Tests.Support;

/// <summary>A test of the tools on a base, <c>R</c>, and cowfiles that lie on each other, made as the service makes them.</summary>
public abstract class StackTest : ToolTest
{
    protected StackTest() => WriteBase();

    /// <summary>Makes a clean cowfile, and gives what is read through it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="layers">What it lies on, bottom to top.</param>
    /// <param name="blocks">Blocks of one byte each that are written to it.</param>
    protected byte[] Make(string name, string[] layers, params (int Block, byte Fill)[] blocks) => Make(name, "R", layers, isPlain: false, blocks);

    /// <inheritdoc cref="Make(string, string[], ValueTuple{int, byte}[])"/>
    protected byte[] MakePlain(string name, string[] layers, params (int Block, byte Fill)[] blocks) => Make(name, "R", layers, isPlain: true, blocks);

    protected byte[] Make(string name, string baseName, string[] layers, bool isPlain, params (int Block, byte Fill)[] blocks)
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(Temp[name], out PosixFile? store));
        using Overlay overlay = Open(store!, name, baseName, layers, isPlain);
        foreach ((int block, byte fill) in blocks)
        {
            Assert.Equal(Errno.None, overlay.Write(block * 1024L, Fixtures.Filled(1024, fill), fua: false));
        }
        byte[] content = new byte[overlay.Info.LengthBytes];
        Assert.Equal(Errno.None, overlay.Read(0, content));
        Assert.Equal(Errno.None, overlay.Close());
        return content;
    }

    /// <summary>Writes to a cowfile that exists.</summary>
    protected void Change(string name, string[] layers, int block, byte fill)
    {
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(Temp[name], out PosixFile? store));
        using Overlay overlay = Open(store!, name, "R", layers, isPlain: false);
        Assert.Equal(Errno.None, overlay.Write(block * 1024L, Fixtures.Filled(1024, fill), fua: false));
        Assert.Equal(Errno.None, overlay.Close());
    }

    /// <summary>What is read through cowfiles, by way of an image that the program makes of it.</summary>
    protected byte[] Flat(string baseName, params string[] cowfiles)
    {
        Run("cowloop", ["flatten", baseName, .. cowfiles, "-o", "flat", "--force"]).MustSucceed();
        return Read("flat");
    }

    private Overlay Open(PosixFile store, string name, string baseName, string[] layers, bool isPlain)
    {
        PosixFile baseFile = OpenRead(baseName);
        var image = new BaseImage(baseFile, baseName, baseFile.Hints, baseName);
        if (layers.Length > 0)
        {
            image = LayerStack.Open(image, [.. layers.Select(layer => ((IBlockFile)OpenRead(layer), layer))], new BaseOptions(), words => new NativeWords(words));
        }
        var options = new CowfileOptions
        {
            AllocateZeroedWords = words => new NativeWords(words),
            NewId = isPlain ? null : Guid.NewGuid(),
            ParentPath = layers.LastOrDefault(),
        };
        return new Overlay(image.File, Cowfile.Open(store, name, image, options), 512);
    }

    private PosixFile OpenRead(string name)
    {
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(Temp[name], out PosixFile? file));
        return file!;
    }
}
