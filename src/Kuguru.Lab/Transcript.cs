using System.Text;
using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>One packet's way through the world: who sent what when, and what became of it.</summary>
public sealed class Crossing(Instant at, string sender, Packet packet)
{
    readonly List<(Fate Fate, string Where)> _fates = [];

    public Instant At { get; } = at;
    public string Sender { get; } = sender;

    /// <summary>As it left its sender, before any NAT.</summary>
    public Packet Packet { get; } = packet;
    public IReadOnlyList<(Fate Fate, string Where)> Fates => _fates;
    internal void Meets(Fate fate, string where) => _fates.Add((fate, where));
}

/// <summary>
/// What crossed the network, in the RFC's words: <c>0.000 > IKE_SA_INIT { SA, KEi, Ni, N(NATD_S), N(NATD_D) }  lost</c>.
/// Between two parties, <c>></c> is from whoever spoke first; with more, the sender is named. It keeps the newest <see cref="Limit"/> packets.
/// </summary>
public sealed class Transcript
{
    readonly Queue<Crossing> _crossings = [];

    /// <summary>How many of the newest packets are remembered.</summary>
    public int Limit { get; set; } = 2000;
    public IReadOnlyCollection<Crossing> Crossings => _crossings;

    /// <summary>Puts a packet into words.</summary>
    public Describer Describer { get; } = new();

    public void Clear() => _crossings.Clear();

    /// <summary>With addresses and ports, and every drop with the place where it happened; of so many of the newest packets.</summary>
    public string Full(int newest = int.MaxValue)
    {
        var text = new StringBuilder();
        foreach (var c in _crossings.TakeLast(newest))
        {
            text.Append($"{c.At} {c.Sender}: {End(c.Packet, c.Packet.From)} > {End(c.Packet, c.Packet.To)} {Describer.Describe(c.Packet)}");
            foreach (var (fate, where) in c.Fates)
                text.Append($"  {fate.Word()} ({where})");
            text.Append('\n');
        }
        return text.ToString();
    }

    public override string ToString()
    {
        var senders = _crossings.Select(c => c.Sender).Distinct().ToList();
        var text = new StringBuilder();
        foreach (var c in _crossings)
        {
            var who = senders.Count > 2 ? $"{c.Sender} >" : c.Sender == senders[0] ? ">" : "<";
            text.Append($"{c.At} {who} {Describer.Describe(c.Packet)}");
            foreach (var fate in c.Fates.Select(f => f.Fate).Distinct())
                text.Append($"  {fate.Word()}");
            text.Append('\n');
        }
        return text.ToString();
    }

    /// <summary>A host puts a packet on the network. Pings outside of tunnels are not worth a line.</summary>
    internal Packet Begin(Instant at, string sender, Packet packet)
    {
        if (packet.Protocol is not (IpProtocol.Udp or IpProtocol.Esp))
            return packet;
        var crossing = new Crossing(at, sender, packet);
        _crossings.Enqueue(crossing);
        while (_crossings.Count > Limit)
            _crossings.Dequeue();
        return packet with { Crossing = crossing };
    }

    static string End(Packet packet, Endpoint end) => packet.Protocol == IpProtocol.Udp ? end.ToString() : end.Address.ToString();
}
