using System.Text.Json;
using Cowloop.Core.Layers;

namespace Cowloop.Files.Tests;

/// <summary>cowloop seal, flatten, diff, compact, rebase, and what info and check say of layers.</summary>
public class LayerToolTests : StackTest
{
    private readonly byte[] _lowerView;
    private readonly byte[] _upperView;

    public LayerToolTests()
    {
        _lowerView = Make("lower.cow", [], (0, 1), (5, 2));
        _upperView = Make("upper.cow", ["lower.cow"], (5, 3), (900, 4));
    }

    [Fact]
    public void Seal()
    {
        Run("cowloop", "seal", "lower.cow").MustPrint("lower.cow is sealed\n");
        Run("cowloop", "seal", "lower.cow").MustPrint("lower.cow was already sealed\n");
        Assert.Equal(_upperView, Flat("R", "upper.cow"));
        Assert.Contains("plain", Sealed("plain.cow").MustExitWith(2).Error, StringComparison.Ordinal);

        CommandResult Sealed(string name)
        {
            MakePlain(name, [], (1, 1));
            return Run("cowloop", "seal", name);
        }
    }

    [Fact]
    public void Flatten_makes_what_is_read()
    {
        Assert.Equal(Fixtures.R, Flat("R"));
        Assert.Equal(_lowerView, Flat("R", "lower.cow"));
        Assert.Equal(_upperView, Flat("R", "lower.cow", "upper.cow"));
        Assert.Equal(_upperView, Flat("R", "upper.cow"));
    }

    [Fact]
    public void Flatten_refuses_what_does_not_belong_there_and_makes_nothing()
    {
        Write("other", [.. Fixtures.R.Select(value => (byte)(value + 1))]);
        Action mustBeUnchanged = KeepAll();

        Refused("has changed", "R2", "other", "lower.cow");
        Refused("bottom to top", "R2", "R", "upper.cow", "lower.cow");
        Refused("named twice", "R2", "R", "lower.cow", "lower.cow");
        Refused("is the file to read from", "R", "R", "lower.cow");
        Refused("exists already", "other", "R", "lower.cow");
        Refused("No such file", "R2", "R", "missing.cow");

        mustBeUnchanged();

        void Refused(string reason, string output, params string[] stack) => Assert.Contains(
            reason,
            Run("cowloop", ["flatten", .. stack, "-o", output]).MustExitWith(2).MustBeForPeople(lineCount: 1).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Diff_prints_what_differs()
    {
        Write("image", _upperView);
        MustDiffer(1, "0 1024\n5120 1024\n", "R", "lower.cow");
        MustDiffer(1, "5120 1024\n921600 1024\n", "lower.cow", "upper.cow");
        MustDiffer(0, "", "upper.cow", "image");
        MustDiffer(0, "", "upper.cow", "upper.cow");
        Write("short", Fixtures.R[..^100]);
        MustDiffer(1, "1047552 1024\n", "R", "short");
        Run("cowloop", "diff", "R", "missing").MustExitWith(2);

        JsonElement json = JsonDocument.Parse(Run("cowloop", "diff", "--json", "R", "upper.cow").MustExitWith(1).Output).RootElement;
        Assert.Equal(3072, json.GetProperty("differentBytes").GetInt64());
        Assert.False(json.GetProperty("equal").GetBoolean());
        Assert.Equal(921600, json.GetProperty("ranges")[2].GetProperty("offsetBytes").GetInt64());
    }

    private void MustDiffer(int exitCode, string output, params string[] names) =>
        Assert.Equal(output, Run("cowloop", ["diff", .. names]).MustExitWith(exitCode).Output);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Compact_takes_out_what_is_equal(bool isPlain)
    {
        byte same = _lowerView[0];
        byte[] view = isPlain ? MakePlain("top.cow", ["lower.cow"], (0, same), (1, 9)) : Make("top.cow", ["lower.cow"], (0, same), (1, 9));
        string[] arguments = ["compact", "top.cow", .. isPlain ? new[] { "--base", "R" } : []];
        if (isPlain)
        {
            // It does not say what it lies on.
            Run("cowloop", arguments).MustExitWith(2);
            return;
        }

        Assert.StartsWith("top.cow: 1 of 2 blocks (1.0 KiB) were equal", Run("cowloop", arguments).MustSucceed().Output, StringComparison.Ordinal);

        Assert.Equal(view, Flat("R", "lower.cow", "top.cow"));
        Run("cowloop", "info", "--ranges", "top.cow").MustPrint("1024 1024\n");
        Run("cowloop", "check", "top.cow", "--base", "R").MustSucceed();
    }

    /// <summary>As a crash in the middle of such work leaves it.</summary>
    [Fact]
    public void What_is_dirty_is_repaired_first()
    {
        byte[] cowfile = Read("upper.cow");
        cowfile[6] |= 1;
        Write("upper.cow", cowfile);

        CommandResult compacted = Run("cowloop", "compact", "upper.cow").MustSucceed();

        Assert.Equal(["cowloop: upper.cow was dirty and is repaired"], compacted.ErrorLines);
        Assert.Equal(_upperView, Flat("R", "upper.cow"));
    }

    [Fact]
    public void A_stack_may_be_full()
    {
        var names = new List<string>();
        byte[] view = [];
        for (int layer = 0; layer <= LayerStack.MaxLayers; layer++)
        {
            view = Make($"{layer}.cow", [.. names], (layer, (byte)layer), (100, (byte)layer));
            names.Add($"{layer}.cow");
        }

        Assert.Equal(view, Flat("R", $"{LayerStack.MaxLayers}.cow"));
        Run("cowloop", "diff", "R", $"{LayerStack.MaxLayers}.cow").MustExitWith(1);
        Run("cowloop", "check", $"{LayerStack.MaxLayers}.cow", "--base", "R").MustSucceed();
    }

    [Fact]
    public void Programs_get_json()
    {
        Assert.True(Json("seal", "lower.cow").GetProperty("changed").GetBoolean());
        Assert.Equal(1 << 20, Json("flatten", "R", "upper.cow", "-o", "flat").GetProperty("lengthBytes").GetInt64());
        Assert.Equal(2, Json("compact", "upper.cow").GetProperty("changedBlocks").GetInt64());
        Assert.Equal(1, Json("rebase", "upper.cow", "--onto", "R").GetProperty("copiedBlocks").GetInt64());

        JsonElement Json(params string[] arguments) => JsonDocument.Parse(Run("cowloop", [.. arguments, "--json"]).MustSucceed().Output).RootElement;
    }

    [Fact]
    public void Rebase_keeps_what_is_read()
    {
        byte[] other = [.. Fixtures.R];
        other.AsSpan(2048, 1024).Fill(0x33);
        Write("other", other);

        Run("cowloop", "rebase", "upper.cow", "--onto", "R").MustPrint("upper.cow lies on R now: 1 blocks were copied into it, 0 taken out\n");
        Assert.Equal(_upperView, Flat("R", "upper.cow"));
        Run("cowloop", "info", "--ranges", "upper.cow").MustPrint("0 1024\n5120 1024\n921600 1024\n");
        Run("cowloop", "rebase", "upper.cow", "--from", "R", "--onto", "other").MustSucceed();
        Assert.Equal(_upperView, Flat("other", "upper.cow"));
        Assert.Contains("has changed", Run("cowloop", "flatten", "R", "upper.cow", "-o", "x").MustExitWith(2).Error, StringComparison.Ordinal);
        Run("cowloop", "rebase", "upper.cow", "--onto", "R", "lower.cow").MustSucceed();
        Assert.Equal(_upperView, Flat("R", "upper.cow"));
        Run("cowloop", "info", "--ranges", "upper.cow").MustPrint("5120 1024\n921600 1024\n");
    }

    [Fact]
    public void Rebase_refuses_what_cannot_be()
    {
        Write("larger", [.. Fixtures.R, .. new byte[1024]]);
        Action mustBeUnchanged = KeepAll();

        Refused("same size", "--onto", "larger");
        Refused("cannot lie on itself", "--onto", "R", "lower.cow", "upper.cow");

        mustBeUnchanged();

        void Refused(string reason, params string[] arguments) => Assert.Contains(
            reason,
            Run("cowloop", ["rebase", "upper.cow", .. arguments]).MustExitWith(2).MustBeForPeople(lineCount: 1).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_unsafe_rebase_only_changes_the_name()
    {
        Write("copy", Fixtures.R);
        Run("cowloop", "rebase", "lower.cow", "--onto", "copy", "--unsafe").MustSucceed();

        Assert.Equal(_lowerView, Flat("copy", "lower.cow"));
        Assert.Contains("copy", Run("cowloop", "info", "lower.cow").MustSucceed().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Info_lists_the_layers()
    {
        Run("cowloop", "seal", "lower.cow").MustSucceed();

        Assert.Matches("layers +.*/lower.cow: .*, generation 1, sealed\n", Run("cowloop", "info", "upper.cow").MustSucceed().Output);
        JsonElement json = JsonDocument.Parse(Run("cowloop", "info", "--json", "upper.cow").MustSucceed().Output).RootElement;
        JsonElement layer = Assert.Single(json.GetProperty("layers").EnumerateArray());
        Assert.Equal(Temp["lower.cow"], layer.GetProperty("path").GetString());
        Assert.Equal("found", layer.GetProperty("state").GetString());
        Assert.True(layer.GetProperty("sealed").GetBoolean());
        Assert.Equal("lower.cow", json.GetProperty("record").GetProperty("parent").GetProperty("path").GetString());

        File.Delete(Temp["lower.cow"]);
        Assert.Contains("(missing)", Run("cowloop", "info", "upper.cow").MustSucceed().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_looks_at_the_layers()
    {
        Run("cowloop", "check", "upper.cow", "--base", "R").MustPrint("upper.cow: no problems found\n");
        Change("lower.cow", [], 1, 1);

        Assert.Contains("has changed since", Run("cowloop", "check", "upper.cow", "--base", "R").MustExitWith(1).Output, StringComparison.Ordinal);
        File.Delete(Temp["lower.cow"]);
        Assert.Contains("not there", Run("cowloop", "check", "upper.cow", "--base", "R").MustExitWith(1).Output, StringComparison.Ordinal);
    }
}
