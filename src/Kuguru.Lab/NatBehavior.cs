namespace Kuguru.Lab;

/// <summary>On what a NAT lets a mapping (RFC 4787 section 4.1) or a filter (section 5) depend.</summary>
public enum Dependence { EndpointIndependent, AddressDependent, AddressAndPortDependent }

/// <summary>Which outside port a new mapping gets (RFC 4787 section 4.2).</summary>
public enum PortAssignment
{
    /// <summary>The inside port, if it is free; else by chance.</summary>
    Preserving,

    /// <summary>By chance.</summary>
    Random,

    /// <summary>The one after the last that was given.</summary>
    Contiguous,

    /// <summary>By chance, but well-known ports stay below 1024 and others do not.</summary>
    RangePreserving,
}

/// <summary>Packets of which direction keep a mapping alive (RFC 4787 section 4.3).</summary>
public enum Refresh { Outbound, Inbound, Both }

/// <summary>What becomes of packets from inside to a public address of the same NAT (RFC 4787 section 6).</summary>
public enum Hairpinning
{
    None,

    /// <summary>The receiver sees the sender's mapped endpoint, as REQ-9 asks.</summary>
    ExternalSource,

    /// <summary>The receiver sees the sender's inside endpoint.</summary>
    InternalSource,
}

/// <summary>How a NAT with several public addresses chooses among them (RFC 4787 section 4.1).</summary>
public enum Pooling
{
    /// <summary>One inside address, one outside address.</summary>
    Paired,

    /// <summary>The next one for each mapping: ports 500 and 4500 of one client get different addresses.</summary>
    Arbitrary,
}

/// <summary>What a NAT does with ESP, which has no ports (<c>esp-no-ports</c>).</summary>
public enum EspHandling
{
    Drop,

    /// <summary>"VPN passthrough": only addresses are changed, and what comes back goes to the one client that talks to that gateway.</summary>
    OneClient,
}

/// <summary>A NAT in the terms of RFC 4787. The default is the good one that the RFC asks for, with a common home router's filter.</summary>
public sealed record NatBehavior
{
    public Dependence Mapping { get; init; } = Dependence.EndpointIndependent;
    public Dependence Filtering { get; init; } = Dependence.AddressAndPortDependent;
    public PortAssignment Ports { get; init; } = PortAssignment.Preserving;

    /// <summary>What chance and succession choose from.</summary>
    public (ushort First, ushort Last) PortRange { get; init; } = (1024, 65535);

    /// <summary>RFC 4787 section 4.3 asks for two minutes at least and recommends five; many give 30 s.</summary>
    public TimeSpan MappingTimeout { get; init; } = TimeSpan.FromMinutes(5);
    public Refresh Refresh { get; init; } = Refresh.Outbound;
    public Hairpinning Hairpinning { get; init; }
    public Pooling Pooling { get; init; }
    public EspHandling Esp { get; init; }

    /// <summary>"VPN passthrough": UDP 500 to 500 keeps its source port and serves one client a gateway.</summary>
    public bool IkePassthrough { get; init; }

    /// <summary>Mappings that one inside address may have at a time (RFC 6888 section 2); 0 is no limit.</summary>
    public int MappingsPerHost { get; init; }
    public bool DropsFragments { get; init; }
}
