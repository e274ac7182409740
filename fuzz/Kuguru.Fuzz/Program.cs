using System.Diagnostics;
using System.Globalization;
using Kuguru.Fuzz;
using SharpFuzz;

// Fuzzes the parsers, one target each. The oracle: nothing throws, everything ends, and what is accepted reads back as itself.
//
//   Kuguru.Fuzz TARGET|all --random N [--seed S]     mutates the seeds N times; needs nothing else; same seed, same inputs
//   Kuguru.Fuzz TARGET FILE                          runs one input, for instance a failure that was written down
//   Kuguru.Fuzz TARGET                               under afl-fuzz, after `sharpfuzz Kuguru.dll` has instrumented the library

return args switch
{
    [var name, "--random", var count] => Random(name, count, "1"),
    [var name, "--random", var count, "--seed", var seed] => Random(name, count, seed),
    [var name, var file] when Find(name) is [var target] && File.Exists(file) => Once(target, File.ReadAllBytes(file)),
    [var name] when Find(name) is [var target] => Afl(target),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Kuguru.Fuzz TARGET|all --random N [--seed S]  |  TARGET FILE  |  TARGET (under afl-fuzz)");
    Console.Error.WriteLine($"targets: {string.Join(' ', Targets.All.Select(target => target.Name))}");
    return 2;
}

static IReadOnlyList<Target> Find(string name) => name == "all" ? Targets.All : [.. Targets.All.Where(target => target.Name == name)];

static int Once(Target target, byte[] input)
{
    var accepted = target.Run(input);
    Console.WriteLine($"{target.Name}: {input.Length} octets {(accepted ? "accepted" : "refused")}, no fault");
    return 0;
}

static int Afl(Target target)
{
    Fuzzer.OutOfProcess.Run(stream =>
    {
        using var input = new MemoryStream();
        stream.CopyTo(input);
        target.Run(input.ToArray());
    });
    return 0;
}

static int Random(string name, string countText, string seedText)
{
    var numbers = CultureInfo.InvariantCulture;
    if (!int.TryParse(countText, numbers, out var count) || !int.TryParse(seedText, numbers, out var seed) || Find(name) is not { Count: > 0 } targets)
        return Usage();
    return targets.All(target => Survives(target, count, seed)) ? 0 : 1;
}

static bool Survives(Target target, int count, int seed)
{
    var mutation = new Mutation(seed);
    var accepted = 0;
    var clock = Stopwatch.StartNew();
    using var watchdog = new Watchdog(target.Name, limit: TimeSpan.FromSeconds(10));
    for (var i = 0; i < count; i++)
    {
        var input = mutation.Of(target);
        watchdog.Begin(input);
        try
        {
            accepted += target.Run([.. input]) ? 1 : 0;
        }
        catch (Exception fault)
        {
            Console.Error.WriteLine($"{target.Name}: input {i} of seed {seed}, kept in {Watchdog.Keep(target.Name, input)}");
            Console.Error.WriteLine(fault);
            return false;
        }
    }
    Console.WriteLine($"{target.Name}: {count} inputs of seed {seed}, {accepted} accepted, no fault, {clock.Elapsed.TotalSeconds:0.0} s");
    return true;
}
