using System.Runtime.InteropServices;
using Cowloop.Core;
using Xunit.Sdk;

namespace Cowloop.SystemTests.Support;

/// <summary>
/// A device whose writers remember what it has acknowledged, and what they were told nothing about when it died. Every sector is one tag over
/// and over: so each tells which write it is of, and whether it is of one write only.
/// </summary>
/// <param name="node">Where the device is.</param>
/// <param name="sectorCount">Sectors that are used.</param>
/// <param name="firstSector">The sector of the base that its first one is.</param>
internal sealed class StormDisk(string node, int sectorCount, int firstSector = 0)
{
    public const int SectorBytes = 512;
    public const int WriterCount = 2;

    private const int MaxSectors = 128;
    private const int ReadBytes = 256 * 1024;
    private const ulong Nothing = ulong.MaxValue;

    private readonly ulong[] _acknowledged = [.. Enumerable.Range(firstSector, sectorCount).Select(BaseTag)];
    private readonly ulong[] _attempted = [.. Enumerable.Repeat(Nothing, sectorCount)];
    private long _lastVersion;
    private long _acknowledgedCount;

    public string Node => node;

    /// <summary>Changes that were acknowledged.</summary>
    public long AcknowledgedCount => Interlocked.Read(ref _acknowledgedCount);

    /// <summary>What a sector of the base holds.</summary>
    public static ulong BaseTag(int sector) => 0xBA5E_0000_0000_0000 | (uint)sector;

    /// <summary>A base of such sectors.</summary>
    public static void MakeBase(string path, int sectorCount)
    {
        byte[] bytes = new byte[sectorCount * SectorBytes];
        for (int sector = 0; sector < sectorCount; sector++)
        {
            Fill(bytes, sector * SectorBytes, BaseTag(sector));
        }
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>A device that begins with the content of this one.</summary>
    public StormDisk Above(string upperNode)
    {
        var upper = new StormDisk(upperNode, sectorCount, firstSector);
        _acknowledged.CopyTo(upper._acknowledged, 0);
        return upper;
    }

    /// <summary>Forgets what was written: the cowfile is a new one.</summary>
    public void Reset()
    {
        for (int sector = 0; sector < sectorCount; sector++)
        {
            _acknowledged[sector] = BaseTag(firstSector + sector);
        }
    }

    /// <summary>
    /// Changes sectors until the device fails or a number of changes is reached. No two writers have a sector in common, but they share blocks.
    /// </summary>
    /// <param name="writer">Which of the writers this is.</param>
    /// <param name="seed">For what and where.</param>
    /// <param name="maxChanges">The number.</param>
    public void Write(int writer, int seed, int maxChanges = int.MaxValue)
    {
        using var disk = new DirectDisk(node, MaxSectors * SectorBytes);
        byte[] source = new byte[MaxSectors * SectorBytes];
#pragma warning disable CA5394 // Test data, no secret.
        var random = new Random(seed);
        for (int change = 0; change < maxChanges; change++)
        {
            int kind = random.Next(100);
            (int sector, int count) = kind < 50 ? InterleavedSector(writer, random) : OwnSectors(writer, random);
            ulong tag = kind < 80 ? NextTag() : 0;
            Array.Fill(_attempted, tag, sector, count);
            if (kind < 80)
            {
                Fill(source.AsSpan(0, count * SectorBytes), tag);
            }
            long offsetBytes = (long)sector * SectorBytes;
            int lengthBytes = count * SectorBytes;
            Errno errno = kind switch
            {
                < 80 => disk.Write(offsetBytes, source, lengthBytes),
                < 86 => disk.Zero(offsetBytes, lengthBytes),
                < 92 => disk.Punch(offsetBytes, lengthBytes),
                _ => disk.Discard(offsetBytes, lengthBytes),
            };
            if (errno != Errno.None || (random.Next(50) == 0 && disk.Sync() != Errno.None))
            {
                if (errno == Errno.None)
                {
                    Acknowledge(sector, count, tag);
                }
                return;
            }
            Acknowledge(sector, count, tag);
        }
#pragma warning restore CA5394
    }

    /// <summary>Reads all of the device: every sector must be what was acknowledged last, or what was tried after that. From now on it is what it is.</summary>
    /// <param name="when">For the message.</param>
    public void Verify(string when)
    {
        using var disk = new DirectDisk(node, ReadBytes);
        byte[] bytes = new byte[ReadBytes];
        for (int first = 0; first < sectorCount; first += ReadBytes / SectorBytes)
        {
            int count = Math.Min(ReadBytes / SectorBytes, sectorCount - first);
            Errno errno = disk.Read((long)first * SectorBytes, bytes, count * SectorBytes);
            if (errno != Errno.None)
            {
                throw new XunitException($"{when}: {node} cannot be read at sector {first}: {errno}");
            }
            for (int index = 0; index < count; index++)
            {
                Check(when, first + index, MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan(index * SectorBytes, SectorBytes)));
            }
        }
    }

    private void Check(string when, int sector, ReadOnlySpan<ulong> words)
    {
        ulong found = words[0];
        ulong attempted = _attempted[sector];
        if (words.ContainsAnyExcept(found))
        {
            throw new XunitException($"{when}: sector {sector} of {node} is of several writes: {found:x16} and others");
        }
        if (found != _acknowledged[sector] && (attempted == Nothing || found != attempted))
        {
            string tried = attempted == Nothing ? "" : $", {attempted:x16} was tried";
            throw new XunitException($"{when}: sector {sector} of {node} is {found:x16}; {_acknowledged[sector]:x16} was acknowledged{tried}");
        }
        _acknowledged[sector] = found;
        _attempted[sector] = Nothing;
    }

    private static void Fill(Span<byte> bytes, ulong tag) => MemoryMarshal.Cast<byte, ulong>(bytes).Fill(tag);

    private static void Fill(byte[] bytes, int offset, ulong tag) => Fill(bytes.AsSpan(offset, SectorBytes), tag);

    private void Acknowledge(int sector, int count, ulong tag)
    {
        Array.Fill(_acknowledged, tag, sector, count);
        Array.Fill(_attempted, Nothing, sector, count);
        Interlocked.Increment(ref _acknowledgedCount);
    }

    private ulong NextTag() => (ulong)Interlocked.Increment(ref _lastVersion);

#pragma warning disable CA5394 // Test data, no secret.
    /// <summary>In the first half the writers take turns sector by sector: two of them are in every block.</summary>
    private (int Sector, int Count) InterleavedSector(int writer, Random random) =>
        (random.Next(sectorCount / 2 / WriterCount) * WriterCount + writer, 1);

    /// <summary>The second half is divided among them.</summary>
    private (int Sector, int Count) OwnSectors(int writer, Random random)
    {
        int length = sectorCount / 2 / WriterCount;
        int count = random.Next(1, MaxSectors + 1);
        return (sectorCount / 2 + writer * length + random.Next(length - count + 1), count);
    }
#pragma warning restore CA5394
}
