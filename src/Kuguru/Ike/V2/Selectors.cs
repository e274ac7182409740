using System.Collections.Immutable;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>Selectors in and out of TS payloads (RFC 7296 section 3.13).</summary>
static class Selectors
{
    /// <summary>
    /// What a peer's payload says. Kinds that we do not know, and ranges that run backwards (but for the ports of OPAQUE), select nothing.
    /// </summary>
    public static ImmutableArray<Selector> Read(Payload.TrafficSelectors payload)
    {
        var selectors = ImmutableArray.CreateBuilder<Selector>(payload.Selectors.Count);
        foreach (var selector in payload.Selectors)
        {
            if (selector is TrafficSelector.AddressRange range && range.Start <= range.End && (range.StartPort <= range.EndPort || IsOpaque(range)))
                selectors.Add(new(new(range.Start, range.End), (byte)range.Protocol, range.StartPort, range.EndPort));
        }
        return selectors.ToImmutable();
    }

    public static Payload.TSi WriteInitiator(ImmutableArray<Selector> selectors) => new(Write(selectors));
    public static Payload.TSr WriteResponder(ImmutableArray<Selector> selectors) => new(Write(selectors));

    /// <summary>A payload counts them in one octet.</summary>
    static Sequence<TrafficSelector> Write(ImmutableArray<Selector> selectors) => selectors.Take(byte.MaxValue)
        .Select(TrafficSelector (s) => new TrafficSelector.AddressRange((IpProtocol)s.Protocol, s.FirstPort, s.LastPort, s.Range.First, s.Range.Last))
        .ToSequence();

    static bool IsOpaque(TrafficSelector.AddressRange range) => range is { StartPort: ushort.MaxValue, EndPort: 0 };
}
