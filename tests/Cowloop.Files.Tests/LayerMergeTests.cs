using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Files.Tests;

/// <summary>cowloop merge --into: into a layer, and into a new cowfile.</summary>
public class LayerMergeTests : StackTest
{
    private readonly byte[] _lowerView;
    private readonly byte[] _upperView;

    public LayerMergeTests()
    {
        _lowerView = Make("lower.cow", [], (0, 1), (5, 2));
        _upperView = Make("upper.cow", ["lower.cow"], (5, 3), (900, 4));
    }

    [Fact]
    public void The_layer_reads_as_both_did_and_the_upper_one_can_be_written_to_again()
    {
        Run("cowloop", "seal", "lower.cow").MustSucceed();
        Run("cowloop", "merge", "upper.cow", "--into", "lower.cow", "--yes").MustPrint(
            "2 blocks (2.0 KiB) of upper.cow are written into lower.cow; what else lies on lower.cow can not be used any more\n");

        Assert.Equal(_upperView, Flat("R", "lower.cow"));
        Assert.Equal(_upperView, Flat("R", "upper.cow"));
        Change("upper.cow", ["lower.cow"], 7, 7);
        Assert.Equal(7, Flat("R", "upper.cow")[7 * 1024]);
        Assert.Contains("sealed", Run("cowloop", "info", "lower.cow").MustSucceed().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_else_lies_on_the_layer_is_refused_and_the_question_says_so()
    {
        Make("other.cow", ["lower.cow"], (1, 1));

        Run("cowloop", "merge", "upper.cow", "--into", "lower.cow").MustExitWith(2).MustBeForPeople(lineCount: 1);
        Assert.Equal(_lowerView, Flat("R", "lower.cow"));
        Run("cowloop", "merge", "upper.cow", "--into", "lower.cow", "--yes").MustSucceed();

        Assert.Contains("has changed since", Run("cowloop", "flatten", "R", "other.cow", "-o", "x").MustExitWith(2).Error, StringComparison.Ordinal);
        Assert.Contains("changed", Run("cowloop", "info", "other.cow").MustSucceed().Output, StringComparison.Ordinal);
        Run("cowloop", "check", "other.cow", "--base", "R").MustExitWith(1);
    }

    [Fact]
    public void An_interrupted_merge_is_finished_by_the_same_command_and_until_then_the_layer_is_not_shown_alone()
    {
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(Temp["upper.cow"], out PosixFile? upper));
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(Temp["lower.cow"], out PosixFile? lower));
        using (upper)
        using (lower)
        {
            LayerMerger merger = LayerMerger.Prepare(new CheckedFile(upper!, "upper.cow"), new CheckedFile(lower!, "lower.cow"));
            Assert.Throws<OperationCanceledException>(() => merger.Run(new Stopping()));
        }

        Assert.Equal(_upperView, Flat("R", "upper.cow"));
        Assert.Contains("was interrupted", Run("cowloop", "flatten", "R", "lower.cow", "-o", "x").MustExitWith(2).Error, StringComparison.Ordinal);
        Assert.Contains("in part", Run("cowloop", "info", "lower.cow").MustSucceed().Output, StringComparison.Ordinal);
        Run("cowmerge", "-y", "R", "lower.cow").MustExitWith(1);
        // No question: it was answered before.
        Run("cowloop", "merge", "upper.cow", "--into", "lower.cow").MustSucceed();
        Assert.Equal(_upperView, Flat("R", "lower.cow"));
        Run("cowloop", "merge", "upper.cow", "--into", "lower.cow").MustSucceed();
    }

    [Fact]
    public void A_layer_in_use_is_refused()
    {
        Action mustBeUnchanged = KeepAll();
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(Temp["lower.cow"], out PosixFile? user));
        using (user)
        {
            Assert.Equal(Errno.None, user!.TryLock(exclusive: false));

            Assert.Contains("lower.cow is in use", Run("cowloop", "merge", "upper.cow", "--into", "lower.cow", "--yes").MustExitWith(2).Error, StringComparison.Ordinal);
        }
        mustBeUnchanged();
    }

    [Fact]
    public void A_dry_run_changes_nothing()
    {
        Action mustBeUnchanged = KeepAll();

        Run("cowloop", "merge", "upper.cow", "--into", "lower.cow", "--dry-run").MustSucceed();
        Run("cowloop", "merge", "upper.cow", "--into", "new.cow", "--dry-run").MustSucceed();

        mustBeUnchanged();
    }

    [Theory]
    [InlineData("upper.cow")]
    [InlineData("lower.cow", "upper.cow")]
    [InlineData("lower.cow", "upper.cow", "--base", "R")]
    public void A_new_cowfile_reads_as_both_and_both_stay(params string[] names)
    {
        FileSnapshot[] both = [FileSnapshot.Of(Temp["lower.cow"]), FileSnapshot.Of(Temp["upper.cow"])];
        Directory.CreateDirectory(Temp["sub"]);

        Run("cowloop", ["merge", .. names, "--into", "sub/new.cow"]).MustSucceed();

        Assert.All(both, file => file.MustBeUnchanged());
        Assert.Equal(_upperView, Flat("R", "sub/new.cow"));
        Assert.Contains("../R", Run("cowloop", "info", "sub/new.cow").MustSucceed().Output, StringComparison.Ordinal);
        Run("cowloop", "check", "sub/new.cow", "--base", "R").MustSucceed();
    }

    [Fact]
    public void Plain_cowfiles_become_a_new_one_when_their_base_is_named()
    {
        MakePlain("plain.cow", [], (0, 9));
        byte[] view = MakePlain("on-plain.cow", ["plain.cow"], (0, 8), (3, 7));

        Assert.Contains("--into NEW.cow", Run("cowloop", "merge", "on-plain.cow", "--into", "plain.cow", "--yes").MustExitWith(2).Error, StringComparison.Ordinal);
        Assert.Contains("--base", Run("cowloop", "merge", "plain.cow", "on-plain.cow", "--into", "new.cow").MustExitWith(2).Error, StringComparison.Ordinal);
        Run("cowloop", "merge", "plain.cow", "on-plain.cow", "--into", "new.cow", "--base", "R").MustSucceed();

        Assert.Equal(view, Flat("R", "new.cow"));
    }

    [Fact]
    public void A_cowfile_on_a_layer_is_not_written_into_the_base()
    {
        Action mustBeUnchanged = KeepAll();

        CommandResult refused = Run("cowmerge", "-y", "R", "upper.cow").MustExitWith(1);
        Assert.Equal("cowfile upper.cow does not lie on R itself", refused.ErrorLines[0]);
        Assert.Contains("cowloop merge upper.cow --into lower.cow", refused.Error, StringComparison.Ordinal);
        Assert.Contains("cowloop flatten R upper.cow -o NEW.img", Run("cowloop", "merge", "R", "upper.cow", "--yes").MustExitWith(2).Error, StringComparison.Ordinal);

        mustBeUnchanged();
    }

    [Fact]
    public void The_arguments_are_checked()
    {
        Assert.Contains("COWFILE is missing", Run("cowloop", "merge", "R").MustExitWith(2).Error, StringComparison.Ordinal);
        Assert.Contains("--resume", Run("cowloop", "merge", "upper.cow", "--into", "lower.cow", "--resume").MustExitWith(2).Error, StringComparison.Ordinal);
        Assert.Contains("same file", Run("cowloop", "merge", "upper.cow", "--into", "upper.cow", "--yes").MustExitWith(2).Error, StringComparison.Ordinal);
        Assert.Contains("nothing to merge it with", Run("cowloop", "merge", "lower.cow", "--into", "new.cow").MustExitWith(2).Error, StringComparison.Ordinal);
    }

    /// <summary>Ends the work when the first blocks are copied.</summary>
    private sealed class Stopping : IWorkObserver
    {
        public void Begin(string what, long totalBytes)
        {
        }

        public void Advance(long bytes)
        {
            if (bytes > 0)
            {
                throw new OperationCanceledException();
            }
        }
    }
}
