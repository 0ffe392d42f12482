using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Files;

public class DataPiecesTests
{
    private const int Page = MemoryFile.PageSize;
    private const int Start = Page + 512;

    [Fact]
    public void Holes_are_left_out_and_long_stretches_are_cut()
    {
        var file = new MemoryFile();
        Assert.Equal(Errno.None, file.SetLength(100 * Page));
        Write(file, 10, pages: 3);
        Write(file, 20, pages: 1);

        Assert.Equal(
            [(9 * Page - 512, 2 * Page), (11 * Page - 512, Page), (19 * Page - 512, Page)],
            PiecesOf(new DataPieces(file, Start, 50 * Page, 512, 2 * Page)));
    }

    [Fact]
    public void Units_are_whole()
    {
        var file = new MemoryFile();
        Assert.Equal(Errno.None, file.SetLength(100 * Page));
        Write(file, 10, pages: 1);

        // Counted from the start of the area.
        Assert.Equal([(6 * 1536, 3 * 1536)], PiecesOf(new DataPieces(file, 10 * Page - 6 * 1536 - 512, 40 * 1536, 1536, 60 * 1536)));
    }

    [Fact]
    public void What_lies_around_the_area_is_not_part_of_it()
    {
        var file = new MemoryFile();
        Write(file, 0, pages: 10);

        Assert.Equal([(0, 3 * Page)], PiecesOf(new DataPieces(file, Start, 3 * Page, 512, 5 * Page)));
        Assert.Empty(PiecesOf(new DataPieces(file, Start, 0, 512, Page)));
    }

    [Fact]
    public void Where_the_file_ends_too_early_something_is_to_be_read()
    {
        var file = new MemoryFile();
        Assert.Equal(Errno.None, file.SetLength(2 * Page));

        var pieces = new DataPieces(file, Page, 2 * Page, 512, Page);

        Assert.Equal(Errno.None, pieces.Next(out long offsetBytes, out int pieceBytes));
        Assert.Equal((Page, 512), (offsetBytes, pieceBytes));
        Assert.Equal(Errno.EIO, file.ReadAt(Page + offsetBytes, new byte[pieceBytes]));
    }

    [Fact]
    public void An_error_is_passed_on()
    {
        var pieces = new DataPieces(new FaultyFile(new MemoryFile(), new PlannedFault(1, 1, Errno.EIO, FaultMoment.BeforeTheCall)), 0, Page, 512, Page);

        Assert.Equal(Errno.EIO, pieces.Next(out _, out int pieceBytes));
        Assert.Equal(0, pieceBytes);
    }

    private static void Write(MemoryFile file, int page, int pages) =>
        Assert.Equal(Errno.None, file.WriteAt(page * Page, Fixtures.Filled(pages * Page, 1)));

    private static List<(long OffsetBytes, int PieceBytes)> PiecesOf(DataPieces pieces)
    {
        var found = new List<(long OffsetBytes, int PieceBytes)>();
        while (true)
        {
            Assert.Equal(Errno.None, pieces.Next(out long offsetBytes, out int pieceBytes));
            if (pieceBytes == 0)
            {
                return found;
            }
            found.Add((offsetBytes, pieceBytes));
        }
    }
}
