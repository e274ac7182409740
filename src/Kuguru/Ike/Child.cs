using Kuguru.Crypto;

namespace Kuguru.Ike;

/// <summary>A CHILD_SA in its IKE SA's books: where it stands, and when it needs something.</summary>
sealed class Child
{
    /// <summary>How often counters are looked at while a volume limit, or 32-bit sequence numbers, may wear an SA out.</summary>
    static readonly TimeSpan VolumeCheck = TimeSpan.FromSeconds(1), SequenceCheck = TimeSpan.FromMinutes(1);

    /// <summary>Packets after which an SA without extended sequence numbers is rekeyed: a minute before 2^32, at any speed.</summary>
    const long SequenceLimit = 3L << 30;

    /// <summary>How long what goes out plain may stay without an echo, and how much of it, before that is told.</summary>
    static readonly TimeSpan SilenceCheck = TimeSpan.FromSeconds(10);
    const long SilencePackets = 3;

    readonly ulong _rekeyPackets;
    ulong _rekeyBytes;
    TimeSpan? _checkEvery;
    Instant _nextCheck, _usedBefore;
    bool _toldSilence;

    public Child(ChildSa sa, ReqIdUse reqId, Instant now, double chance)
    {
        var config = sa.Config;
        var (rekey, end) = Lifetime.Of(config, chance);
        (Sa, ReqId, InstalledAt, RekeyAt, EndsAt) = (sa, reqId, now, now + rekey, now + end);
        _rekeyBytes = Lifetime.Soft(config.RekeyBytes, config.LifeBytes, config.RandBytes, chance);
        _rekeyPackets = Lifetime.Soft(config.RekeyPackets, config.LifePackets, config.RandPackets, chance);
        _usedBefore = now;
        _checkEvery = _rekeyBytes != 0 || _rekeyPackets != 0 || config.LifeBytes != 0 || config.LifePackets != 0 ? VolumeCheck
            : sa.Suite.Esn == ExtendedSequenceNumbers.No ? SequenceCheck : null;
        Checked(now);
    }

    /// <summary>Makes a child of what was agreed, and tells the packet path.</summary>
    public static Child Install(SessionTurn t, ChildSa sa, ReqIdUse reqId, bool isInboundOnly)
    {
        var child = new Child(sa, reqId.Use(), t.Now, t.Node.Dice.Fraction()) { IsInboundOnly = isInboundOnly };
        foreach (var (spi, keys) in t.Settings.RevealKeys ? [(sa.InboundSpi, sa.InboundKeys), (sa.OutboundSpi, sa.OutboundKeys)] : ((Wire.Spi, EspKeys)[])[])
        {
            if (Wireshark.Esp(sa.Path.Remote.Address.IsV6, spi, sa.Suite, keys) is { } line)
                t.Add(new Effect.RevealKeys(new KeyTable.Esp(line)));
        }
        t.NoteWeak(Weakness.Of(sa.Suite, sa.KeyExchange));
        t.Add(new Effect.InstallSa(sa, isInboundOnly));
        return child;
    }

    public ChildSa Sa { get; set; }
    public ReqIdUse ReqId { get; }
    public ChildState State { get; set; } = ChildState.Installed;
    public Instant InstalledAt { get; }
    public Instant? RekeyAt { get; private set; }
    public Instant? EndsAt { get; private set; }

    /// <summary>The generation that takes over, once this one has been rekeyed.</summary>
    public Child? Successor { get; set; }

    /// <summary>We may only receive with it until the peer shows that it has it too (RFC 7296 section 2.8).</summary>
    public bool IsInboundOnly { get; set; }

    /// <summary>When it is sent with at the latest, whether the peer has shown that it has it or not; null where that is not waited for.</summary>
    public Instant? UseAt { get; set; }

    /// <summary>The peer asked for it and may be without our answer: it has asked nothing since, and no packet has come.</summary>
    public bool IsUnconfirmed
    {
        get => field && Sa.Usage.InboundPackets == 0;
        set;
    }

    /// <summary>Its lifetime ended it, not anybody's wish.</summary>
    public bool IsExpired { get; set; }

    /// <summary>How often in a row the peer has refused new keys for it.</summary>
    public int Refusals { get; set; }

    /// <summary>When it will have been idle for too long.</summary>
    public Instant? IdleAt => Sa.Config.Inactivity > TimeSpan.Zero ? LastUsed + Sa.Config.Inactivity : null;

    Instant LastUsed => Later(Later(_usedBefore, Sa.Usage.LastInbound), Sa.Usage.LastOutbound);

    public bool IsWaning => State is ChildState.Rekeyed or ChildState.Deleting or ChildState.Deleted;

    public Instant? Deadline => State switch
    {
        ChildState.Installed => Instant.Earliest(Instant.Earliest(RekeyAt, EndsAt), Instant.Earliest(NextCheck, Instant.Earliest(IdleAt, UseAt))),
        ChildState.Rekeying or ChildState.Rekeyed => Instant.Earliest(EndsAt, NextCheck),
        ChildState.Created or ChildState.Installing or ChildState.Updating or ChildState.Deleting or ChildState.Deleted => null,
    };

    Instant? NextCheck => CheckEvery is null ? null : _nextCheck;

    TimeSpan? CheckEvery => WatchesSilence && !(_checkEvery < SilenceCheck) ? SilenceCheck : _checkEvery;

    bool WatchesSilence => Sa.RisksNat && !_toldSilence && Sa.Usage.InboundPackets == 0;

    /// <summary>New keys are due, by time or by volume.</summary>
    public bool IsWorn(Instant now)
    {
        if (RekeyAt <= now)
            return true;
        var usage = Sa.Usage;
        return Reaches(_rekeyBytes, usage.InboundBytes, usage.OutboundBytes) || Reaches(_rekeyPackets, usage.InboundPackets, usage.OutboundPackets)
            || (Sa.Suite.Esn == ExtendedSequenceNumbers.No && usage.OutboundPackets >= SequenceLimit);
    }

    /// <summary>It must not be used any longer.</summary>
    public bool IsOver(Instant now) => EndsAt <= now || Reaches(Sa.Config.LifeBytes, Sa.Usage.InboundBytes, Sa.Usage.OutboundBytes)
        || Reaches(Sa.Config.LifePackets, Sa.Usage.InboundPackets, Sa.Usage.OutboundPackets);

    /// <summary>The peer keeps it for a shorter time, or for less traffic: so do we, counted from when it was installed.</summary>
    public void Limit(ChildConfig limits, double chance)
    {
        var (rekey, end) = Lifetime.Of(limits, chance);
        (RekeyAt, EndsAt) = (Instant.Earliest(RekeyAt, InstalledAt + rekey), Instant.Earliest(EndsAt, InstalledAt + end));
        if (limits.RekeyBytes != 0 && (_rekeyBytes == 0 || limits.RekeyBytes < _rekeyBytes))
            (_rekeyBytes, _checkEvery) = (limits.RekeyBytes, VolumeCheck);
        Sa = Sa with { Config = limits };
    }

    /// <summary>It goes on where an older generation stops: new keys are no use.</summary>
    public void Continue(Child old) => _usedBefore = old.LastUsed;

    public void Checked(Instant now) => _nextCheck = now + (CheckEvery ?? TimeSpan.Zero);

    /// <summary>Plain packets go out and none has ever come back: that is said once, as loudly as a failure.</summary>
    public void TellSilence(SessionTurn t)
    {
        if (!WatchesSilence || Sa.Usage.OutboundPackets < SilencePackets || t.Now - InstalledAt < SilenceCheck)
            return;
        _toldSilence = true;
        var protocol = Sa.Protocol == Wire.ProtocolId.Ah ? "AH" : "ESP";
        t.Report(new Event.Failed(new Failure(FailureCode.ProtocolBlocked,
            $"no {protocol} comes from {Sa.Path.Remote.Address} for CHILD_SA {Sa.Config.Name}{{{Sa.UniqueId}}}, {Sa.Usage.OutboundPackets} packets have gone there: "
            + (protocol == "AH" ? "a NAT or a firewall is in the way, which AH does not pass (ah-integrity)"
                : "a NAT without \"VPN passthrough\", or with another client of that gateway, or a firewall is in the way (esp-no-ports); let ESP go in UDP: "
                + "'encap = no' or 'yes' at both ends"))));
    }

    public void RekeyLater(Instant at)
    {
        State = ChildState.Installed;
        RekeyAt = at;
    }

    public ChildSaStatus Status => new()
    {
        Name = Sa.Config.Name,
        UniqueId = Sa.UniqueId,
        ReqId = Sa.ReqId,
        State = State,
        Mode = Sa.Mode,
        StandIns = Sa.StandIns,
        UdpEncapsulated = Sa.UdpEncapsulated,
        InboundSpi = Sa.InboundSpi,
        OutboundSpi = Sa.OutboundSpi,
        Suite = Sa.Suite,
        KeyExchange = Sa.KeyExchange,
        Usage = Sa.Usage,
        InstalledAt = InstalledAt,
        RekeyAt = RekeyAt,
        ExpiresAt = EndsAt,
        LocalSelectors = Sa.LocalSelectors,
        RemoteSelectors = Sa.RemoteSelectors,
        Config = Sa.Config,
    };

    /// <summary>When the last packet or message went out, of an IKE SA that has sent one itself at <paramref name="own"/>.</summary>
    public static Instant LastSent(IEnumerable<Child> children, Instant own) => children.Aggregate(own, (last, child) => Later(last, child.Sa.Usage.LastOutbound));

    /// <summary>The same of what came in.</summary>
    public static Instant LastHeard(IEnumerable<Child> children, Instant own) => children.Aggregate(own, (last, child) => Later(last, child.Sa.Usage.LastInbound));

    static Instant Later(Instant one, Instant? other) => other > one ? other.Value : one;

    static bool Reaches(ulong limit, long inbound, long outbound) => limit != 0 && (ulong)Math.Max(inbound, outbound) >= limit;
}

/// <summary>A reqid that all generations of one child share; the node gets it back when the last of them is gone.</summary>
sealed class ReqIdUse(uint number)
{
    int _users;

    public uint Number { get; } = number;

    public ReqIdUse Use()
    {
        _users++;
        return this;
    }

    public void Release(INode node)
    {
        if (--_users == 0)
            node.ReleaseReqId(Number);
    }
}
