using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>Asks at the terminal before something is done for good.</summary>
internal static class Confirmation
{
    /// <summary>Exit code when the user declines.</summary>
    public const int DeclinedExitCode = 1;

    /// <summary>Asks; who declines is told that nothing was changed.</summary>
    /// <param name="question">The question.</param>
    /// <param name="why">Why it is asked, where there is no terminal to ask at.</param>
    /// <param name="hint">What does without it.</param>
    /// <exception cref="CowloopException">There is no terminal.</exception>
    public static bool Ask(string question, string why, string hint)
    {
        if (Console.IsInputRedirected)
        {
            throw new CowloopException(Errno.EINVAL, $"{why}, and there is no terminal to ask at", hint);
        }
        Console.Error.Write(question);
        bool isConfirmed = Console.ReadLine() is string answer && (answer.Trim() is "y" or "Y" or "yes" or "Yes");
        if (!isConfirmed)
        {
            Console.Error.WriteLine("cowloop: declined; nothing was changed");
        }
        return isConfirmed;
    }

    /// <summary>Asks before changes are merged.</summary>
    /// <exception cref="CowloopException">There is no terminal.</exception>
    public static bool AskToMerge(string question) => Ask(question, "merging needs a confirmation", "give --yes");
}
