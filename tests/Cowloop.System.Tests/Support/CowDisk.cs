namespace Cowloop.SystemTests.Support;

/// <summary>An active cowdevice.</summary>
/// <param name="Path">Its node.</param>
/// <param name="Image">Its base.</param>
/// <param name="Cowfile">Its cowfile.</param>
public sealed record CowDisk(string Path, string Image, string Cowfile)
{
    /// <summary>The number as text.</summary>
    public string Number => System.IO.Path.GetFileName(Path);

    /// <summary>The node of a partition.</summary>
    public string Partition(int number) => $"{Path}p{number}";
}
