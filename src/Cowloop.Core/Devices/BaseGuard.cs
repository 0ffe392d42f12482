using System.Globalization;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Devices;

/// <summary>
/// Decides whether a base is still the one that a cowfile's extension record speaks of. The hints decide when they are unchanged, else the
/// content does: a base that was copied, moved or touched is the same; one whose content changed is refused.
/// </summary>
internal static class BaseGuard
{
    /// <summary>The record of a new cowfile.</summary>
    /// <param name="image">What it lies on.</param>
    /// <param name="id">What it is to be known by.</param>
    /// <param name="verify">Read all of the base.</param>
    /// <param name="parentPath">Where the topmost layer is, seen from the new cowfile; or null.</param>
    /// <exception cref="CowloopException">The base was to be read whole and can't be.</exception>
    public static ExtensionRecord Describe(BaseImage image, Guid id, bool verify, string? parentPath) => new()
    {
        Id = id,
        Parent = image.Top?.ToLink(parentPath ?? ""),
        BaseLengthBytes = image.LengthBytes,
        BaseIdentity = image.Identity,
        BaseDigest = verify ? image.ComputeDigest() : null,
        BaseHints = image.Hints,
        BasePath = image.Path,
    };

    /// <summary>Checks the base.</summary>
    /// <param name="record">The record as found.</param>
    /// <param name="path">The cowfile, for messages.</param>
    /// <param name="image">The base; its number of blocks fits.</param>
    /// <param name="isOtherFingerprint">True when the header has another fingerprint.</param>
    /// <param name="options">What the user wants.</param>
    /// <returns>The record as it is to be; the same one when nothing is new.</returns>
    /// <exception cref="CowloopException">The base has changed.</exception>
    public static ExtensionRecord Check(ExtensionRecord record, string path, BaseImage image, bool isOtherFingerprint, BaseOptions options)
    {
        // Who names a parent by its identity knows what lies below better than any fingerprint, which a snapshot writes a moment later, and a merge changes.
        isOtherFingerprint &= record.Parent is not ParentLink parent || parent.Id == Guid.Empty;
        bool isSameFile = image.Hints is BaseHints hints
            && record.BaseHints == hints
            && record.BaseLengthBytes == image.LengthBytes
            && !isOtherFingerprint;
        string? difference = isSameFile ? null : DifferenceOf(record, image, isOtherFingerprint);
        byte[]? digest = record.BaseDigest;
        if (options.VerifyBase && difference is null)
        {
            digest = image.ComputeDigest();
            if (record.BaseDigest is byte[] known && !known.AsSpan().SequenceEqual(digest))
            {
                difference = "its SHA-256 is another";
            }
        }
        if (difference is null)
        {
            bool isNew = record.BaseHints != image.Hints || record.BasePath != image.Path || digest != record.BaseDigest;
            return isNew ? record with { BaseHints = image.Hints, BasePath = image.Path, BaseDigest = digest } : record;
        }
        if (!options.AcceptBase)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"rdofile {image.Name} has changed since cowfile {path} was made for it: {difference}{TimesOf(record, image)}",
                "bring the unchanged rdofile back, or take this one as it is with --accept-base: what the cowfile does not hold then reads as it is now")
            {
                Fault = Fault.OtherBase,
            };
        }
        return record with
        {
            BaseLengthBytes = image.LengthBytes,
            BaseIdentity = image.Identity,
            BaseDigest = options.VerifyBase ? image.ComputeDigest() : null,
            BaseHints = image.Hints,
            BasePath = image.Path,
            AcceptedChangeCount = record.AcceptedChangeCount + 1,
        };
    }

    /// <summary>Verifies that a cowfile has the size for what lies below it, and when it has no record, which tells more, the fingerprint.</summary>
    /// <exception cref="CowloopException">It has not.</exception>
    public static void RequireRelated(CowHeader header, ExtensionRecord? record, string path, BaseImage image)
    {
        CowLayout below = image.Layout;
        bool mayBeLarger = header.Version == CowHeader.LargerVersion && record?.IsLargerThanBase == true;
        if (header.BlockCount != (ulong)below.BlockCount && !(mayBeLarger && header.BlockCount > (ulong)below.BlockCount))
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {path} (size {header.BlockCount * CowLayout.BlockSize}) not related to rdofile (size {below.DeviceBytes})",
                "name the rdofile that this cowfile was made for");
        }
        if (record is null && header.Fingerprint != image.Fingerprint)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {path} not related to rdofile  (fingerprint err - rdofile modified?)",
                "name the rdofile that this cowfile was made for, unchanged");
        }
    }

    /// <summary>Verifies that a cowfile lies on what it was made on, as far as its size, its parent and its base tell; nothing is written down.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="record">Its record, or null.</param>
    /// <param name="path">The cowfile, for messages.</param>
    /// <param name="below">What it is to lie on.</param>
    /// <param name="isOtherFingerprint">True when the header has another fingerprint.</param>
    /// <param name="options">What the user wants of the base.</param>
    /// <exception cref="CowloopException">It does not.</exception>
    public static void RequireBelow(
        CowHeader header,
        ExtensionRecord? record,
        string path,
        BaseImage below,
        bool isOtherFingerprint,
        BaseOptions options)
    {
        RequireRelated(header, record, path, below);
        Parentage.Require(record, path, below.Top);
        if (record is not null)
        {
            _ = Check(record, path, below, isOtherFingerprint, options);
        }
    }

    private static string? DifferenceOf(ExtensionRecord record, BaseImage image, bool isOtherFingerprint)
    {
        if (record.BaseLengthBytes != image.LengthBytes)
        {
            return $"it has {image.LengthBytes} bytes instead of {record.BaseLengthBytes}";
        }
        BaseIdentity was = record.BaseIdentity;
        BaseIdentity found = image.Identity;
        if (was.Head != found.Head)
        {
            return "its first 2 MiB differ";
        }
        if (was.Tail != found.Tail)
        {
            return "its last 1 MiB differs";
        }
        if (was.Samples != found.Samples)
        {
            return "samples from its middle differ";
        }
        return isOtherFingerprint ? "its fingerprint is another" : null;
    }

    private static string TimesOf(ExtensionRecord record, BaseImage image) => record.BaseHints is BaseHints was && image.Hints is BaseHints found
        ? $" (modified {Text(found)}, before {Text(was)})"
        : "";

    private static string Text(BaseHints hints) => hints.Modified.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
