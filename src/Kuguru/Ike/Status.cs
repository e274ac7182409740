using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>Where an IKE SA stands, with charon's names.</summary>
public enum IkeState { Created, Connecting, Established, Rekeying, Rekeyed, Deleting }

/// <summary>Where a CHILD_SA stands, with charon's names.</summary>
public enum ChildState { Created, Installing, Installed, Updating, Rekeying, Rekeyed, Deleting, Deleted }

/// <summary>One IKE SA as it is now: a value for <c>list-sas</c>, events and tests.</summary>
public sealed record IkeSaStatus
{
    public required string Name { get; init; }
    public required uint UniqueId { get; init; }
    public int Version { get; init; } = 2;
    public required IkeState State { get; init; }
    public required bool IsInitiator { get; init; }
    public required Path Path { get; init; }
    public required IkeSpi InitiatorSpi { get; init; }
    public required IkeSpi ResponderSpi { get; init; }
    public Identity? LocalId { get; init; }
    public Identity? RemoteId { get; init; }

    /// <summary>Who the peer is in EAP, seen from a responder; null when it did not authenticate by that.</summary>
    public Identity? RemoteEapId { get; init; }

    /// <summary>The keys have a postquantum pre-shared key in them (RFC 8784).</summary>
    public bool UsesPpk { get; init; }
    public required NatVerdict Nat { get; init; }

    /// <summary>How often the peer's endpoint has changed, and what it was before the last time.</summary>
    public int Moves { get; init; }

    /// <inheritdoc cref="Moves"/>
    public Endpoint? MovedFrom { get; init; }

    /// <summary>Packets from places that the peer was not, or not at once, followed to.</summary>
    public long MovesRefused { get; init; }

    /// <summary>The user whom the peer has proved to be by XAUTH.</summary>
    public string? RemoteXauthId { get; init; }

    /// <summary>The chosen algorithms; null before IKE_SA_INIT is through.</summary>
    public IkeSuite? Suite { get; init; }
    public Instant? EstablishedAt { get; init; }
    public Instant? RekeyAt { get; init; }
    public Instant? ReauthAt { get; init; }
    public ImmutableArray<IpAddress> LocalVirtualAddresses { get; init; } = [];
    public ImmutableArray<IpAddress> RemoteVirtualAddresses { get; init; } = [];

    /// <summary>What is queued, under way and waited for, with charon's task names (<c>IKE_AUTH</c>, <c>CHILD_REKEY</c>).</summary>
    public ImmutableArray<string> TasksQueued { get; init; } = [];
    public ImmutableArray<string> TasksActive { get; init; } = [];
    public ImmutableArray<ChildSaStatus> Children { get; init; } = [];
}

/// <summary>One CHILD_SA as it is now.</summary>
public sealed record ChildSaStatus
{
    public required string Name { get; init; }
    public required uint UniqueId { get; init; }
    public required uint ReqId { get; init; }
    public required ChildState State { get; init; }
    public ChildMode Mode { get; init; }

    /// <summary>The peer's prefixes that are seen under other addresses here.</summary>
    public ImmutableArray<StandIn> StandIns { get; init; } = [];
    public required bool UdpEncapsulated { get; init; }
    public required Spi InboundSpi { get; init; }
    public required Spi OutboundSpi { get; init; }
    public required ChildSuite Suite { get; init; }
    public KeyExchangeMethod KeyExchange { get; init; }
    public required SaUsage Usage { get; init; }
    public required Instant InstalledAt { get; init; }
    public Instant? RekeyAt { get; init; }
    public Instant? ExpiresAt { get; init; }
    public required ImmutableArray<Selector> LocalSelectors { get; init; }
    public required ImmutableArray<Selector> RemoteSelectors { get; init; }
    public required ChildConfig Config { get; init; }
}

/// <summary>A row of Wireshark's key tables: IKEv2 (<see cref="Ike"/>) or ESP (<see cref="Esp"/>). It holds secrets on purpose.</summary>
public abstract record KeyTable
{
    KeyTable() { }

    /// <summary>A line of ikev2_decryption_table.</summary>
    public sealed record Ike(string Line) : KeyTable;

    /// <summary>A line of ikev1_decryption_table.</summary>
    public sealed record IkeV1(string Line) : KeyTable;

    /// <summary>A line of esp_sa.</summary>
    public sealed record Esp(string Line) : KeyTable;
}
