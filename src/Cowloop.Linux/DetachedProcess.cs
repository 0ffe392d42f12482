using System.Runtime.InteropServices;
using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>Starts processes of a session of their own, which outlive the one that starts them: a service, or what looks after one.</summary>
public static unsafe class DetachedProcess
{
    // What the started process reports on.
    internal const int ReadyDescriptor = 3;

    // glibc and musl need less than this for either of the two opaque structures.
    private const int OpaqueBytes = 1024;

    /// <summary>Starts a program with standard input and output on /dev/null and standard error appended to a file.</summary>
    /// <param name="program">Path of the executable.</param>
    /// <param name="arguments">Arguments behind the program's name.</param>
    /// <param name="logPath">Where its standard error goes.</param>
    /// <returns>What the process writes to <see cref="TakeReadyDescriptor"/> until it closes it: empty when it died before.</returns>
    /// <exception cref="CowloopException">It can't be started.</exception>
    public static string StartAndWait(string program, IReadOnlyList<string> arguments, string logPath)
    {
        int* pipe = stackalloc int[2];
        if (LibC.pipe2(pipe, LibC.O_CLOEXEC) != 0)
        {
            throw new CowloopException(LibC.LastErrno, $"cannot make a pipe: {LibC.LastErrno.Text()}");
        }
        using SafeFileHandle reader = LibC.ToHandle(pipe[0]);
        using (SafeFileHandle writer = LibC.ToHandle(pipe[1]))
        {
            byte* actions = stackalloc byte[OpaqueBytes];
            _ = LibC.posix_spawn_file_actions_init(actions);
            _ = LibC.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", LibC.O_RDONLY, 0);
            _ = LibC.posix_spawn_file_actions_addopen(actions, 1, "/dev/null", LibC.O_WRONLY, 0);
            _ = LibC.posix_spawn_file_actions_addopen(actions, 2, logPath, LibC.O_WRONLY | LibC.O_CREAT | LibC.O_APPEND, 0x1A0); // 0640
            _ = LibC.posix_spawn_file_actions_adddup2(actions, pipe[1], ReadyDescriptor);
            // What the caller has open, locks of its own for instance, is none of the service's business.
            _ = Spawn(program, arguments, actions, ReadyDescriptor + 1);
        }
        using var stream = new StreamReader(new FileStream(reader, FileAccess.Read));
        return stream.ReadToEnd();
    }

    /// <summary>In the started process: takes over the descriptor to report on; what it starts itself does not inherit it.</summary>
    public static SafeFileHandle TakeReadyDescriptor()
    {
        SafeFileHandle handle = LibC.ToHandle(ReadyDescriptor);
        _ = LibC.fcntl_flags(handle, LibC.F_SETFD, LibC.FD_CLOEXEC);
        return handle;
    }

    /// <summary>Starts a program that reads from one file and writes to another, and has nothing else open.</summary>
    /// <returns>Its process, to be waited for with <see cref="WaitFor"/>.</returns>
    /// <exception cref="CowloopException">It can't be started.</exception>
    internal static int StartFilter(string program, IReadOnlyList<string> arguments, SafeFileHandle input, SafeFileHandle output)
    {
        byte* actions = stackalloc byte[OpaqueBytes];
        _ = LibC.posix_spawn_file_actions_init(actions);
        _ = LibC.posix_spawn_file_actions_adddup2(actions, (int)input.DangerousGetHandle(), 0);
        _ = LibC.posix_spawn_file_actions_adddup2(actions, (int)output.DangerousGetHandle(), 1);
        _ = LibC.posix_spawn_file_actions_addopen(actions, 2, "/dev/null", LibC.O_WRONLY, 0);
        return Spawn(program, arguments, actions, 3);
    }

    /// <summary>Waits until a process has ended that this one has started.</summary>
    internal static void WaitFor(int process)
    {
        int status;
        while (LibC.waitpid(process, &status, 0) < 0 && LibC.LastErrno == Errno.EINTR)
        {
        }
    }

    /// <summary>Starts a program; the actions are used up.</summary>
    private static int Spawn(string program, IReadOnlyList<string> arguments, byte* actions, int lowestClosed)
    {
        byte* attributes = stackalloc byte[OpaqueBytes];
        _ = LibC.posix_spawnattr_init(attributes);
        using var argv = new StringVector([program, .. arguments]);
        using var environment = new StringVector(EnvironmentTexts());
        try
        {
            _ = LibC.posix_spawn_file_actions_addclosefrom_np(actions, lowestClosed);
            _ = LibC.posix_spawnattr_setflags(attributes, LibC.POSIX_SPAWN_SETSID);
            int process;
            var errno = (Errno)LibC.posix_spawn(&process, program, actions, attributes, argv.Pointers, environment.Pointers);
            return errno == Errno.None ? process : throw new CowloopException(errno, $"cannot start {program}: {errno.Text()}");
        }
        finally
        {
            _ = LibC.posix_spawn_file_actions_destroy(actions);
            _ = LibC.posix_spawnattr_destroy(attributes);
        }
    }

    private static List<string> EnvironmentTexts()
    {
        var texts = new List<string>();
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            texts.Add($"{variable.Key}={variable.Value}");
        }
        return texts;
    }

    /// <summary>A NULL-ended array of C strings.</summary>
    private sealed class StringVector : IDisposable
    {
        private readonly int _count;

        public StringVector(IReadOnlyList<string> texts)
        {
            _count = texts.Count;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (int index = 0; index < _count; index++)
            {
                Pointers[index] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[index]);
            }
        }

        public byte** Pointers { get; }

        public void Dispose()
        {
            for (int index = 0; index < _count; index++)
            {
                Marshal.FreeCoTaskMem((nint)Pointers[index]);
            }
            NativeMemory.Free(Pointers);
        }
    }
}
