namespace Cowloop.SystemTests.Support;

/// <summary>Bytes to write and to compare with.</summary>
internal static class Data
{
    /// <summary>The same bytes for the same seed.</summary>
    public static byte[] Random(int seed, int length)
    {
        byte[] bytes = new byte[length];
#pragma warning disable CA5394 // Test data, no secret.
        new Random(seed).NextBytes(bytes);
#pragma warning restore CA5394
        return bytes;
    }

    public static byte[] Fill(byte value, int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    /// <summary>A file of random bytes.</summary>
    public static string RandomFile(string path, int seed, int length)
    {
        File.WriteAllBytes(path, Random(seed, length));
        return path;
    }

    /// <summary>R of the specification: numbers, one a line, 1 MiB.</summary>
    public static string NumbersFile(string path, int length = 1024 * 1024)
    {
        Shell.RunScript($"seq 1 3000000 | head -c {length} > '{path}'");
        return path;
    }
}
