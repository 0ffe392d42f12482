using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>Makes an image of a view: what a base reads as through cowfiles.</summary>
public static class Flattener
{
    /// <summary>Copies all blocks; what is zero stays a hole.</summary>
    /// <param name="view">What is read; whole blocks.</param>
    /// <param name="image">Gets it; new and empty. The caller makes it durable, and removes it after an exception.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">The view can't be read, or the image not written.</exception>
    public static void Run(CheckedFile view, CheckedFile image, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("flattening", view.LengthBytes);
        image.SetLength(view.LengthBytes, Fault.WriteData);
        new BlockCopier(view, 0, image, 0).Copy(0, view.LengthBytes / CowLayout.BlockSize, observer);
    }
}
