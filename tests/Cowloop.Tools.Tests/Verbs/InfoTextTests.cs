using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Verbs;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Tests.Verbs;

public class InfoTextTests
{
    [Fact]
    public void G2_is_shown_with_a_map_in_ASCII()
    {
        using var locale = new Locale("C");

        Assert.Equal(
            """
            my.cow: what has changed on a base of 1.0 MiB

              state    clean
              changed  4.0 KiB (0.4 %), 4 blocks in 3 runs
              on disk  16.0 KiB in a file of 106.0 KiB
              base     1024 blocks of 1024 bytes, fingerprint ce7e7ab8
              format   version 1, 64-bit, little-endian

                    0 B |: :                                               #             |
              128.0 KiB |                                                                |
              256.0 KiB |                                                                |
              384.0 KiB |                                                                |
              512.0 KiB |                                                                |
              640.0 KiB |                                                                |
              768.0 KiB |                                                                |
              896.0 KiB |                                                                |
                         a cell is 2.0 KiB: ' ' unchanged, '.' to 33 %, ':' to 67 %, '+' more, '#' all of it

            """,
            Format(Golden.ImageG2));
    }

    [Fact]
    public void A_small_device_has_one_row_and_is_shaded_where_the_locale_allows()
    {
        using var locale = new Locale("C.UTF-8");

        Assert.Equal(
            """
            my.cow: what has changed on a base of 40.0 KiB

              state    clean
              changed  4.0 KiB (10.0 %), 4 blocks in 2 runs
              on disk  16.0 KiB in a file of 106.0 KiB
              base     40 blocks of 1024 bytes, fingerprint ce7e7ab8
              format   version 1, 64-bit, little-endian

                    0 B |███                                    █|
                         a cell is 1.0 KiB: ' ' unchanged, '░' to 33 %, '▒' to 67 %, '▓' more, '█' all of it

            """,
            Format(new CowImage { BlockCount = 40 }.With(0, 3, 1).With(39, 1, 1)));
    }

    /// <summary>Eight blocks a cell.</summary>
    [Theory]
    [InlineData(0, ' ')]
    [InlineData(1, '.')]
    [InlineData(2, '.')]
    [InlineData(3, ':')]
    [InlineData(5, ':')]
    [InlineData(6, '+')]
    [InlineData(7, '+')]
    [InlineData(8, '#')]
    public void A_cell_shows_how_full_it_is(int blockCount, char shade)
    {
        using var locale = new Locale("C");

        Assert.Equal($"        0 B |{shade}{new string(' ', 63)}|", MapOf(new CowImage { BlockCount = 4096 }.With(0, blockCount, 1))[0]);
    }

    [Fact]
    public void Every_row_begins_where_the_one_before_it_ended()
    {
        using var locale = new Locale("C");
        string[] map = MapOf(new CowImage { BlockCount = 100 }.With(63, 2, 1));

        Assert.Equal(
            [$"        0 B |{new string(' ', 63)}#|", $"   64.0 KiB |#{new string(' ', 35)}|"],
            map[..^1]);
    }

    [Theory]
    [InlineData("clean", false, null, "clean")]
    [InlineData("dirty", false, null, "dirty")]
    [InlineData("clean", true, null, "clean, packed")]
    [InlineData("dirty", false, "/dev/cow/3", "dirty, in use as /dev/cow/3: shown is what its last sync has written")]
    public void The_state_says_what_to_know(string state, bool packed, string? device, string shown) => Assert.Contains(
        $"\n  state    {shown}\n",
        Format(new CowImage(), info => info with { State = state, Packed = packed, Device = device }),
        StringComparison.Ordinal);

    [Theory]
    [InlineData(0, "0 B (0 %), 0 blocks in 0 runs")]
    [InlineData(16, "16.0 KiB (1.6 %), 16 blocks in 1 run")]
    [InlineData(341, "341.0 KiB (33 %), 341 blocks in 1 run")]
    [InlineData(512, "512.0 KiB (50 %), 512 blocks in 1 run")]
    [InlineData(1024, "1.0 MiB (100 %), 1024 blocks in 1 run")]
    public void What_has_changed_is_counted(int blockCount, string shown) => Assert.Contains(
        $"\n  changed  {shown}\n",
        Format(new CowImage().With(0, blockCount, 1)),
        StringComparison.Ordinal);

    [Fact]
    public void A_little_is_not_nothing() => Assert.Contains(
        "1.0 KiB (under 0.1 %), 1 block in 1 run",
        Format(new CowImage { BlockCount = 4096 }.With(0, 1, 1)),
        StringComparison.Ordinal);

    [Fact]
    public void Other_machines_are_named() => Assert.Contains(
        "\n  format   version 1, 32-bit, big-endian\n",
        Format(new CowImage(), info => info with { WordSize = 4, ByteOrder = "big" }),
        StringComparison.Ordinal);

    /// <summary>The rows of the map, and what explains them.</summary>
    private static string[] MapOf(CowImage image) => Format(image).TrimEnd('\n').Split("\n\n")[^1].Split('\n');

    private static string Format(CowImage image, Func<CowfileInfo, CowfileInfo>? change = null)
    {
        var map = new ChangeMap(new CowLayout(image.BlockCount));
        long[] bits = [.. image.Bits];
        for (int first = 0; first < bits.Length;)
        {
            int count = 1;
            while (first + count < bits.Length && bits[first + count] == bits[first] + count)
            {
                count++;
            }
            map.Add(new BlockRun(bits[first], count));
            first += count;
        }
        var info = new CowfileInfo(
            "/srv/my.cow", "clean", false, 1, 8, "little", 1024, image.BlockCount * 1024, $"{image.Fingerprint:x8}", map.UsedBlocks, map.RunCount, 108544, 16384, null, null, [], new StoreInfo("classic", null, null, OnDevice: false), null);
        return InfoText.Format("my.cow", change?.Invoke(info) ?? info, map);
    }
}
