namespace Cowloop.Tools.Applets;

/// <summary>
/// A command line as the C library's option parser reads it (specification 5.1): clusters of letters, options behind operands,
/// <c>--</c> before operands that look like options.
/// </summary>
/// <param name="Options">Letters and long names as given, in order, without their dashes.</param>
/// <param name="Operands">The rest, in order.</param>
internal sealed record ClassicOptions(IReadOnlyList<string> Options, IReadOnlyList<string> Operands)
{
    /// <summary>True when one of the names was given.</summary>
    public bool Has(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (Options.Contains(name))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Reads a command line; says on standard error what is wrong with it.</summary>
    /// <param name="program">The program as it was called.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="letters">Letters that it knows.</param>
    /// <param name="names">Long names that it knows.</param>
    /// <returns>Null when there is an option that it does not know.</returns>
    public static ClassicOptions? Parse(string program, IReadOnlyList<string> arguments, string letters, params ReadOnlySpan<string> names)
    {
        var options = new List<string>();
        var operands = new List<string>();
        for (int index = 0; index < arguments.Count; index++)
        {
            string argument = arguments[index];
            if (argument == "--")
            {
                operands.AddRange(arguments.Skip(index + 1));
                break;
            }
            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                if (!names.Contains(argument[2..]))
                {
                    Console.Error.WriteLine($"{program}: unrecognized option '{argument}'");
                    return null;
                }
                options.Add(argument[2..]);
            }
            else if (argument.Length > 1 && argument[0] == '-')
            {
                foreach (char letter in argument[1..])
                {
                    if (!letters.Contains(letter))
                    {
                        Console.Error.WriteLine($"{program}: invalid option -- '{letter}'");
                        return null;
                    }
                    options.Add(letter.ToString());
                }
            }
            else
            {
                operands.Add(argument);
            }
        }
        return new ClassicOptions(options, operands);
    }
}
