namespace Kuguru.Fuzz;

/// <summary>Ends the program when one input takes too long, and keeps that input.</summary>
sealed class Watchdog : IDisposable
{
    readonly string _target;
    readonly long _limit;
    readonly Timer _timer;
    byte[] _input = [];
    long _since = Environment.TickCount64;

    public Watchdog(string target, TimeSpan limit)
    {
        (_target, _limit) = (target, (long)limit.TotalMilliseconds);
        _timer = new(_ => Look(), null, limit, limit);
    }

    public void Begin(byte[] input)
    {
        Volatile.Write(ref _input, input);
        Volatile.Write(ref _since, Environment.TickCount64);
    }

    /// <summary>Writes an input into the current folder; gives its name.</summary>
    public static string Keep(string target, byte[] input)
    {
        var file = $"fault-{target}.bin";
        File.WriteAllBytes(file, input);
        return file;
    }

    public void Dispose() => _timer.Dispose();

    void Look()
    {
        if (Environment.TickCount64 - Volatile.Read(ref _since) < _limit)
            return;
        Console.Error.WriteLine($"{_target}: no end in sight after {_limit} ms, input kept in {Keep(_target, Volatile.Read(ref _input))}");
        Environment.Exit(1);
    }
}
