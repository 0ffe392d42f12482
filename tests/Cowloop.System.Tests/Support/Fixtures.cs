using System.Buffers.Binary;

namespace Cowloop.SystemTests.Support;

/// <summary>Cowfiles of the specification's section 3 that belong to R, put together by hand.</summary>
internal static class Fixtures
{
    private const int DataOffset = 4096;

    /// <summary>G2: blocks 0, 4, 100 and 101 changed, clean.</summary>
    public static byte[] G2()
    {
        byte[] file = WithHeader(length: 108544, flags: 0, usedBlocks: 4);
        file[1024] = 0x11;
        file[1024 + 12] = 0x30;
        file.AsSpan(DataOffset, 1024).Fill(0x41);
        file.AsSpan(DataOffset + 4 * 1024, 1024).Fill(0x42);
        file.AsSpan(DataOffset + 100 * 1024, 2048).Fill(0x43);
        return file;
    }

    /// <summary>G5: a crash with block 2 written and its bit not on disk.</summary>
    public static string G5(string path)
    {
        byte[] file = WithHeader(length: 7168, flags: 1, usedBlocks: 1);
        file[1024] = 0x01;
        file.AsSpan(DataOffset, 1024).Fill(0x41);
        file.AsSpan(DataOffset + 2 * 1024, 1024).Fill(0x42);
        File.WriteAllBytes(path, file);
        Assert.Equal("968151ba16f110e368f238bca7c5c555273595184557b759dd514c585eecf903", FileSnapshot.HashOf(path));
        return path;
    }

    private static byte[] WithHeader(int length, byte flags, long usedBlocks)
    {
        byte[] file = new byte[length];
        Convert.FromHexString("7f434f5701000000").CopyTo(file, 0);
        file[6] = flags;
        long[] words = [1024, 1024, DataOffset, 1024, unchecked((long)0xffffffffce7e7ab8), usedBlocks];
        for (int index = 0; index < words.Length; index++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(8 + 8 * index), words[index]);
        }
        return file;
    }
}
