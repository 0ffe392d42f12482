using Cowloop.Core.Devices;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Tests.Support;

/// <summary>A device of a <see cref="StackRun"/>: open, or at rest.</summary>
/// <param name="name">What it is called.</param>
/// <param name="top">The cowfile that takes its changes.</param>
internal sealed class StackDisk(string name, StackNode top) : IDisposable
{
    private Overlay? _unsettled;
    private StackDevice? _device;
    private BaseImage? _image;

    public StackNode Top { get; set; } = top;

    public bool IsOpen => _device is not null;

    public StackDevice Device => _device!;

    /// <summary>What its top lies on, when it is open and does so since it was opened.</summary>
    public LayerStack? Layers => _image?.File as LayerStack;

    /// <summary>Opens it; the top is made when it is new.</summary>
    public void Open(Guid newId)
    {
        _image = StackNode.Open(Top.Lower, Top.Base);
        _device = new StackDevice(NewOverlay(_image, Top, newId));
    }

    public void Close()
    {
        if (_device is null)
        {
            return;
        }
        Assert.Equal(Errno.None, _device.Close());
        _device = null;
        _unsettled = null;
        CowfileCheck.AssertClean(Top.File, Top.Layout);
    }

    /// <summary>Seals the top and puts another one on it.</summary>
    /// <param name="next">The other one.</param>
    /// <param name="newId">Its identity.</param>
    /// <param name="settle">False to leave the layers as they are for the moment.</param>
    public void Snapshot(StackNode next, Guid newId, bool settle)
    {
        Overlay former = Device.Top;
        Assert.Equal(Errno.None, Device.Snapshot(
            Top.Name,
            _image!,
            below =>
            {
                _image = below;
                return NewOverlay(below, next, newId);
            },
            null));
        Top = next;
        _unsettled = former;
        if (settle)
        {
            Settle();
        }
    }

    /// <summary>Makes the layers one flat stack again.</summary>
    public void Settle()
    {
        if (_unsettled is Overlay former)
        {
            Device.Settle(Layers!, former, HeapWords.Allocate);
            _unsettled = null;
        }
    }

    /// <summary>Puts another top in the place of the one it has.</summary>
    public void Rollback(StackNode next, Guid newId)
    {
        Overlay former = Device.Top;
        Assert.Equal(Errno.None, Device.Replace(NewOverlay(_image!, next, newId), () => Errno.None));
        Device.Discard(former);
        Top = next;
    }

    /// <summary>Goes on without the topmost layer, which is merged into the one below it.</summary>
    /// <param name="merged">That one, as it is now.</param>
    public void DropLayer(Layer merged)
    {
        LayerStack stack = Layers!;
        Assert.Equal(Errno.None, Device.DropLayer(stack, merged, merged.Name, HeapWords.Allocate, out Action? release));
        Device.Release(release!);
        _image = _image!.On(stack);
        Top.Lower = Top.Lower!.Lower;
    }

    /// <summary>Fails unless it shows what it must, from the first byte to the last.</summary>
    public void MustShow()
    {
        byte[] found = Device.GetAll();
        Assert.True(found.Length == Top.View.Length, $"{name} has {found.Length} bytes instead of {Top.View.Length}");
        int same = found.AsSpan().CommonPrefixLength(Top.View);
        Assert.True(same == found.Length, $"{name} differs at byte {same} of {found.Length}");
        Assert.True(found.AsSpan().SequenceEqual(Device.GetPieces(0, found.Length)), $"the pieces of {name} differ");
    }

    public void Dispose() => _device?.Dispose();

    public override string ToString() => name;

    private static Overlay NewOverlay(BaseImage image, StackNode top, Guid newId)
    {
        CowfileOptions options = Disk.WithRecord with
        {
            NewId = newId,
            ParentPath = top.Lower?.Name,
            DeviceBytes = top.View.Length > image.Layout.DeviceBytes ? top.View.Length : null,
        };
        return new Overlay(image.File, Cowfile.Open(top.File, top.Name, image, options), 512);
    }
}
