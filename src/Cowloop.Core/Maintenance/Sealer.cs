using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>Makes a layer of a cowfile: it says of itself that it is never written again.</summary>
public static class Sealer
{
    /// <summary>Seals a cowfile, durably.</summary>
    /// <param name="cowfile">The cowfile; nobody else uses it.</param>
    /// <returns>False when it was sealed already.</returns>
    /// <exception cref="CowloopException">It is plain, dirty or damaged, or can't be written.</exception>
    public static bool Run(CheckedFile cowfile)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        var edit = new CowfileEdit(cowfile);
        _ = edit.RequireSound();
        if (edit.Record is not ExtensionRecord record)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{cowfile.Name} is a plain cowfile: it has no place to say that it is sealed, and what lies on it could not tell when it was changed",
                "use it as a layer as it is, and write-protect it: chmod a-w; or make its changes anew without --plain")
            {
                Fault = Fault.OtherParent,
            };
        }
        Parentage.RequireWhole(edit.ToLayer());
        if (record.IsSealed)
        {
            return false;
        }
        edit.Write(edit.Header, record with { IsSealed = true });
        return true;
    }
}
