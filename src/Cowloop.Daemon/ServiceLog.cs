using System.Globalization;

namespace Cowloop.Daemon;

/// <summary>
/// One line per event on standard error, in the original's form. The journal gets the level in front; anything else a time.
/// </summary>
internal static class ServiceLog
{
    private static readonly bool IsJournal = Environment.GetEnvironmentVariable("JOURNAL_STREAM") is not null;
    private static readonly Lock WriteLock = new();

    public static void Alert(string text) => Write(1, text);

    public static void Error(string text) => Write(3, text);

    public static void Warning(string text) => Write(4, text);

    public static void Notice(string text) => Write(5, text);

    private static void Write(int level, string text)
    {
        string front = IsJournal
            ? $"<{level}>"
            : DateTime.Now.ToString("yyyy-MM-dd HH:mm:ss ", CultureInfo.InvariantCulture);
        lock (WriteLock)
        {
            try
            {
                Console.Error.WriteLine($"{front}cowloop - {text}");
            }
            catch (IOException)
            {
                // A full disk under the log must not stop the service: the devices come first, and there is nowhere to say it.
            }
        }
    }
}
