using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Daemon.Recovery;

/// <summary>
/// The files that tell the next service which devices this one has, one per device: N.json. Each is written under another name and renamed, so it is
/// there whole or not at all. Nothing is synced: what they tell means nothing after another boot.
/// </summary>
/// <remarks>Safe for any thread, as long as a number belongs to one at a time.</remarks>
internal sealed partial class SavedDevices
{
    private const string TemporarySuffix = ".new";
    private const string DamagedSuffix = ".damaged";

    private readonly string _directory;
    private readonly Guid _bootId;
    private readonly ConcurrentDictionary<int, SavedDevice> _devices = new();

    /// <summary>Opens the directory, or makes it.</summary>
    /// <exception cref="CowloopException">It can't be made.</exception>
    public SavedDevices(string directory, Guid bootId)
    {
        _directory = directory;
        _bootId = bootId;
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CowloopException(Errno.EACCES, $"cannot make {directory}: {exception.Message}");
        }
    }

    /// <summary>
    /// Reads what a killed service has left. What another boot has left is removed; what can't be understood is put aside.
    /// </summary>
    public IReadOnlyList<SavedDevice> Load()
    {
        foreach (string path in Directory.GetFiles(_directory))
        {
            string name = Path.GetFileName(path);
            if (name.EndsWith(TemporarySuffix, StringComparison.Ordinal))
            {
                File.Delete(path);
            }
            else if (FileName().Match(name) is { Success: true } match)
            {
                Load(path, int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
            }
        }
        return [.. _devices.Values.OrderBy(device => device.Number)];
    }

    /// <summary>Writes a device down, in place of what was there for its number.</summary>
    /// <returns>Why it can't be written, and then at most what was there is; or null.</returns>
    public string? TryWrite(SavedDevice device)
    {
        string path = PathOf(device.Number);
        string temporary = path + TemporarySuffix;
        try
        {
            File.WriteAllText(temporary, JsonSerializer.Serialize(device, SavedDeviceJson.Default.SavedDevice));
            File.Move(temporary, path, overwrite: true);
            _devices[device.Number] = device;
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _ = PosixFile.Unlink(temporary);
            if (!_devices.TryGetValue(device.Number, out SavedDevice? former) || !former.IsSafeFor(device))
            {
                Remove(device.Number);
            }
            return exception.Message;
        }
    }

    /// <summary>Changes what is written down of a device, if anything is.</summary>
    /// <returns>Why it can't be written, or null.</returns>
    public string? TryChange(int number, Func<SavedDevice, SavedDevice> change) =>
        _devices.TryGetValue(number, out SavedDevice? device) ? TryWrite(change(device)) : null;

    /// <summary>The device is gone.</summary>
    public void Remove(int number)
    {
        _devices.TryRemove(number, out _);
        Errno errno = PosixFile.Unlink(PathOf(number));
        if (errno is not (Errno.None or Errno.ENOENT))
        {
            ServiceLog.Error($"cannot remove {PathOf(number)}: {errno.Text()}");
        }
    }

    [GeneratedRegex(@"^([0-9]{1,4})\.json$")]
    private static partial Regex FileName();

    private string PathOf(int number) => $"{_directory}/{number.ToString(CultureInfo.InvariantCulture)}.json";

    private void Load(string path, int number)
    {
        try
        {
            SavedDevice device = JsonSerializer.Deserialize(File.ReadAllText(path), SavedDeviceJson.Default.SavedDevice)
                ?? throw new JsonException("it is empty");
            if (device.LiveKey.BootId != _bootId)
            {
                File.Delete(path);
                return;
            }
            _devices[number] = device.Number == number ? device : throw new JsonException($"it is about cowdevice {device.Number}");
        }
        catch (JsonException exception)
        {
            string aside = path + DamagedSuffix;
            string see = PosixFile.Rename(path, aside) == Errno.None ? aside : path;
            ServiceLog.Error($"{path} is damaged, so its device does not come back: {exception.Message} (see {see})");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            ServiceLog.Error($"{path} cannot be read, so its device does not come back: {exception.Message}");
        }
    }
}
