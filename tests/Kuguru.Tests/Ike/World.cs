using System.Globalization;
using System.Text;
using Kuguru.Ike.V2;
using Kuguru.Nat;
using Kuguru.Wire.V2;

namespace Kuguru.Tests.Ike;

/// <summary>A few hosts, perhaps a NAT between them, a wire with latency, and time that jumps. What crosses the wire is written down in the RFCs' words.</summary>
sealed class World
{
    readonly PriorityQueue<(Path Path, Blob Bytes, Host To), (Instant, long)> _flying = new();
    readonly StringBuilder _transcript = new();
    readonly List<Host> _hosts = [];
    long _sent;

    public static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(50);

    /// <summary>The day on which everything happens.</summary>
    public static readonly WallClock Clock = WallClock.From(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public Instant Now { get; private set; } = new(1_000_000_000);

    /// <summary>What is lost, seen from the sender; nothing by default.</summary>
    public Func<Path, Blob, bool> Loses { get; set; } = (_, _) => false;

    /// <summary>What somebody on the way makes of a datagram; nothing by default.</summary>
    public Func<Host, Host, Blob, Blob> Changes { get; set; } = (_, _, bytes) => bytes;

    /// <summary>How often a datagram arrives; once by default.</summary>
    public Func<int> Copies { get; set; } = () => 1;

    /// <summary>The wire reorders: some datagrams take longer than others.</summary>
    public bool Shuffle { get; set; }

    /// <summary>One line per datagram: time, direction (&gt; from the first host), ports where they are not 500, the message, and "lost" if it was.</summary>
    public string Transcript => _transcript.ToString();

    /// <summary>Where the last datagram went, as its sender wrote it.</summary>
    public Path LastPath { get; private set; }

    public void Forget() => _transcript.Clear();

    /// <summary>Where it is there, datagrams wait in it until somebody delivers or loses them, and nothing is written down.</summary>
    public List<(Path Path, Blob Bytes, Host From, Host To)>? Held { get; set; }

    /// <summary>Hands over one of those that are held.</summary>
    public void Deliver(int index)
    {
        var (path, bytes, _, to) = Held![index];
        Held.RemoveAt(index);
        to.Receive(path, bytes);
    }

    /// <summary>Jumps to the next deadline of a host; false when there is none.</summary>
    public bool Wait()
    {
        Instant? next = null;
        foreach (var host in _hosts)
            next = Instant.Earliest(next, host.Deadline);
        if (next is not { } at)
            return false;
        Now = at > Now ? at : Now;
        foreach (var host in _hosts)
            host.Tick();
        return true;
    }

    public Host Add(string address, int seed = 1)
    {
        var host = new Host(this, IpAddress.Parse(address), seed + _hosts.Count);
        _hosts.Add(host);
        return host;
    }

    public void Send(Host from, Path path, Blob bytes)
    {
        LastPath = path;
        var seen = from.Nat is { } nat ? path with { Local = nat.Out(path.Local) } : path;
        var lost = Loses(seen, bytes);
        var to = _hosts.FirstOrDefault(host => host.Nat is null && host.Address == path.Remote.Address)
            ?? _hosts.FirstOrDefault(host => host.Nat?.Public == path.Remote.Address && host.Nat.In(path.Remote)?.Address == host.Address);
        if (Held is not null && to is not null)
        {
            Held.Add((new Path(path.Remote, seen.Local), bytes, from, to));
            return;
        }
        Write(from, seen, bytes, lost, to);
        if (lost || to is null)
            return;
        var target = path.Remote;
        if (to.Nat?.In(path.Remote) is { } inside)
            target = inside;
        for (var copy = Copies(); copy > 0; copy--)
            _flying.Enqueue((new Path(target, seen.Local), Changes(from, to, bytes), to), (Now + Latency * (Shuffle && _sent % 2 == 0 ? 3 : 1), _sent++));
    }

    /// <summary>Somebody else sends a datagram that arrives along this path, seen from who gets it.</summary>
    public void Inject(Path path, Blob bytes, Host to) => _flying.Enqueue((path, bytes, to), (Now + Latency, _sent++));

    /// <summary>Lets this much time pass, jumping from one thing that happens to the next.</summary>
    public void Run(double seconds)
    {
        var end = Now + TimeSpan.FromSeconds(seconds);
        while (Next() is { } next && next <= end)
        {
            Now = next > Now ? next : Now;
            Step();
        }
        Now = end;
    }

    Instant? Next()
    {
        Instant? next = _flying.TryPeek(out _, out var first) ? first.Item1 : null;
        foreach (var host in _hosts)
            next = Instant.Earliest(next, host.Deadline);
        return next;
    }

    void Step()
    {
        if (_flying.TryPeek(out var flying, out var at) && at.Item1 <= Now)
        {
            _flying.Dequeue();
            flying.To.Receive(flying.Path, flying.Bytes);
            return;
        }
        foreach (var host in _hosts)
            host.Tick();
    }

    void Write(Host from, Path path, Blob bytes, bool lost, Host? to)
    {
        var time = (Now - new Instant(1_000_000_000)).TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture);
        var ports = path is { Local.Port: 500, Remote.Port: 500 } ? "" : $"{path.Local.Port}>{path.Remote.Port} ";
        _transcript.Append(CultureInfo.InvariantCulture, $"{time} {(from == _hosts[0] ? ">" : "<")} {ports}{Describe(bytes, from, to)}{(lost ? "  lost" : "")}\n");
    }

    static string Describe(Blob bytes, Host from, Host? to)
    {
        if (bytes.Span.SequenceEqual(Demux.Keepalive))
            return "keepalive";
        var message = bytes.Span.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0]) ? bytes.Span[4..] : bytes.Span;
        // Random message IDs say nothing.
        if (Kuguru.Wire.V1.IsakmpMessage.TryParse(message, out var v1, out _))
            return (v1 with { Id = default }).ToString();
        if (!IkeMessage.TryParse(message, out var parsed, out _))
            return $"{message.Length} octets";
        foreach (var session in (to?.Sessions ?? []).Concat(to?.Past ?? []).OfType<IkeV2Session>().Where(session => session.LocalSpi == parsed.InitiatorSpi || session.LocalSpi == parsed.ResponderSpi))
        {
            if (parsed.Encrypted is Payload.SK sk && session.Phase is KeyedPhase phase && phase.Keying.TryOpen(message, sk, out var plaintext)
                && Payload.TryReadChain(sk.FirstInner, plaintext, out var inner, out _))
                return parsed with { Payloads = inner } is var opened ? opened.ToString() : "";
        }
        return parsed.ToString();
    }
}

/// <summary>A NAPT: one public address, a port for each inside endpoint, in only what it has seen out.</summary>
sealed class Napt(string address, int firstPort = 1024)
{
    readonly Dictionary<Endpoint, Endpoint> _mappings = [];
    int _next = firstPort;

    public IpAddress Public { get; } = IpAddress.Parse(address);

    public Endpoint Out(Endpoint inside)
    {
        if (!_mappings.TryGetValue(inside, out var outside))
            _mappings[inside] = outside = new Endpoint(Public, (ushort)_next++);
        return outside;
    }

    public Endpoint? In(Endpoint outside)
    {
        foreach (var (inside, mapped) in _mappings)
            if (mapped == outside)
                return inside;
        return null;
    }

    /// <summary>A port forward.</summary>
    public void Forward(Endpoint inside, ushort port) => _mappings[inside] = new Endpoint(Public, port);

    /// <summary>The mapping of one endpoint has been silent for too long.</summary>
    public void Expire(Endpoint inside) => _mappings.Remove(inside);

    /// <summary>Everything is forgotten; new mappings get other ports.</summary>
    public void Reboot() => _mappings.Clear();
}
