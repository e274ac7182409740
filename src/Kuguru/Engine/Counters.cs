using System.Collections.Immutable;
using Kuguru.Ike;
using Kuguru.Wire;

namespace Kuguru.Engine;

/// <summary>What a node counts of its exchanges, named as charon's <c>get-counters</c> names them.</summary>
public enum Counter
{
    IkeRekeyInitiated, IkeRekeyAnswered, ChildRekey, Invalid, InvalidSpi,
    InitInRequest, InitInResponse, InitOutRequest, InitOutResponse,
    AuthInRequest, AuthInResponse, AuthOutRequest, AuthOutResponse,
    CreateChildInRequest, CreateChildInResponse, CreateChildOutRequest, CreateChildOutResponse,
    InformationalInRequest, InformationalInResponse, InformationalOutRequest, InformationalOutResponse,
}

/// <summary>Why a node dropped a datagram without an IKE SA having a say; <see cref="Closed"/>: a first message beyond a limit.</summary>
public enum Drop { Malformed, Version, UnknownSpi, Closed, NoConnection }

/// <summary>Counters of a node, over all and by connection. One writer, the node's thread.</summary>
public sealed class Counters
{
    readonly long[] _total = new long[Enum.GetValues<Counter>().Length];
    readonly long[] _drops = new long[Enum.GetValues<Drop>().Length];
    readonly long[] _ikeDrops = new long[Enum.GetValues<IkeDrop>().Length];
    readonly Dictionary<string, long[]> _byConnection = new(StringComparer.Ordinal);

    public long this[Counter counter] => _total[(int)counter];
    public long this[Drop drop] => _drops[(int)drop];
    public long this[IkeDrop drop] => _ikeDrops[(int)drop];
    /// <summary>How often peers' endpoints, or our own, have changed.</summary>
    public long Moves { get; private set; }
    public IEnumerable<string> Connections => _byConnection.Keys;
    public ImmutableArray<long> All => [.. _total];
    public ImmutableArray<long> Of(string connection) => _byConnection.TryGetValue(connection, out var counts) ? [.. counts] : [];

    /// <summary>What was dropped at all, by the name of the reason: before an IKE SA was found, and by IKE SAs.</summary>
    public IEnumerable<(string Why, long Count)> Drops =>
    [
        .. Enum.GetValues<Drop>().Select(drop => ($"ike-{drop}", this[drop])).Concat(Enum.GetValues<IkeDrop>().Select(drop => ($"ike-sa-{drop}", this[drop])))
            .Where(drop => drop.Item2 > 0),
    ];

    public void Reset(string? connection)
    {
        if (connection is null)
        {
            Array.Clear(_total);
            _byConnection.Clear();
        }
        else
            _byConnection.Remove(connection);
    }

    /// <summary>An IKE SA has dropped a datagram; charon's <c>in-invalid</c> counts those that could not be read.</summary>
    internal void Count(IkeDrop drop)
    {
        _ikeDrops[(int)drop]++;
        if (drop is IkeDrop.Malformed or IkeDrop.NotAuthentic or IkeDrop.NotProtected)
            Count(Counter.Invalid, null);
    }

    internal void Count(Drop drop)
    {
        _drops[(int)drop]++;
        if (drop is Drop.Malformed or Drop.Version)
            Count(Counter.Invalid, null);
        else if (drop == Drop.UnknownSpi)
            Count(Counter.InvalidSpi, null);
    }

    internal void CountMessage(in IkeHeader header, bool inbound, string? connection)
    {
        Counter? first = header.Exchange switch
        {
            ExchangeType.IkeSaInit => Counter.InitInRequest,
            ExchangeType.IkeAuth => Counter.AuthInRequest,
            ExchangeType.CreateChildSa => Counter.CreateChildInRequest,
            ExchangeType.Informational => Counter.InformationalInRequest,
            _ => null,
        };
        if (first is { } counter)
            Count(counter + (header.IsResponse ? 1 : 0) + (inbound ? 0 : 2), connection);
    }

    internal void CountEvent(Event @event)
    {
        if (@event is Event.Moved)
            Moves++;
        if (@event is Event.IkeRekeyed { New: { IsInitiator: true } initiated })
            Count(Counter.IkeRekeyInitiated, initiated.Name);
        else if (@event is Event.IkeRekeyed { New: var answered })
            Count(Counter.IkeRekeyAnswered, answered.Name);
        else if (@event is Event.ChildRekeyed { Status: var sa })
            Count(Counter.ChildRekey, sa.Name);
    }

    void Count(Counter counter, string? connection)
    {
        _total[(int)counter]++;
        if (connection is null)
            return;
        if (!_byConnection.TryGetValue(connection, out var counts))
            _byConnection[connection] = counts = new long[_total.Length];
        counts[(int)counter]++;
    }
}
