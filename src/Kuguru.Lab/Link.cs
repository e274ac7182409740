namespace Kuguru.Lab;

/// <summary>How a network treats packets. The default is perfect: at once, never lost, 1500 octets.</summary>
public sealed record Link
{
    public static Link Perfect { get; } = new();

    /// <summary>What stories of bad weather run on: 20 % each lost, sent twice and held back.</summary>
    public static Link Stormy { get; } = new()
    {
        Latency = TimeSpan.FromMilliseconds(50),
        Jitter = TimeSpan.FromMilliseconds(20),
        Loss = 0.2,
        Duplication = 0.2,
        Reordering = 0.2,
    };

    public TimeSpan Latency { get; init; }

    /// <summary>Up to this much more, evenly distributed.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Probability that an IP packet (each fragment of one) is lost.</summary>
    public double Loss { get; init; }

    /// <summary>Probability that it arrives twice.</summary>
    public double Duplication { get; init; }

    /// <summary>Probability that it is held back by up to <see cref="HoldBack"/>.</summary>
    public double Reordering { get; init; }
    public TimeSpan HoldBack { get; init; } = TimeSpan.FromMilliseconds(500);
    public int Mtu { get; init; } = 1500;

    /// <summary>What exceeds the MTU never arrives.</summary>
    public bool DropsFragments { get; init; }
}
