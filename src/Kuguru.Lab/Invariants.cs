// What must hold in every story, whatever it is about; checked on everything that a Peer sends and receives, without being asked for.
//
//   one question     at most one request outstanding per IKE SA and direction (RFC 7296 section 2.3, window of one)
//   one wording      never two messages with one message ID and different bytes (section 2.1), IKE_SA_INIT's retries aside (sections 2.6, 1.3), and
//                    what is said once more after a silence (SPEAK_AGAIN)
//   no dead SA       no ESP or AH sent on an SA that was removed, and on a live one every sequence number is higher than the last (RFC 4303 section 3.3.3)
//   no silence       from behind a NAT something leaves at least every KeepAlive (RFC 3948 section 4)
//   no amplification a first message is answered with no more octets than it has, aggressive mode aside
//   no crowd         half-open IKE SAs never exceed HalfOpenLimit

using Kuguru.Ike;
using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>A rule that every run must keep was broken: a bug in Kuguru. The message holds the seed and the end of the transcript.</summary>
public sealed class InvariantBrokenException(string message) : Exception(message);

/// <summary>Watches one world; throws <see cref="InvariantBrokenException"/> at the moment when a rule is broken.</summary>
public sealed class Invariants(World world)
{
    const int EarlierMessages = 4;
    static readonly TimeSpan s_tolerance = TimeSpan.FromMilliseconds(1);

    readonly Dictionary<(Peer, IkeSpi), Conversation> _conversations = [];
    readonly Queue<(Peer, IkeSpi)> _conversationsByAge = new();
    readonly Dictionary<(Peer, Spi), Outgoing> _outgoing = [];
    readonly Dictionary<(Peer, Path), Instant> _lastSent = [];
    readonly HashSet<Peer> _watched = [];
    (int Octets, bool IsFirst) _received;
    int _answered;

    internal void Received(Peer peer, Packet packet)
    {
        (_received, _answered) = ((packet.Payload.Length, false), 0);
        if (!Describer.TryIke(packet, out var message) || !IkeHeader.TryRead(message, out var header))
            return;
        _received.IsFirst = header.MajorVersion == Wire.V1.IsakmpMessage.MajorVersion
            ? header.ResponderSpi.IsZero && (Wire.V1.ExchangeKind)header.Exchange == Wire.V1.ExchangeKind.IdentityProtection
            : header.Exchange == ExchangeType.IkeSaInit && !header.IsResponse;
        if (header.IsResponse && _conversations.TryGetValue((peer, header.InitiatorSpi), out var conversation) && conversation.Asked == header.MessageId)
            conversation.IsAnswered = true;
    }

    /// <summary>The turn that a received message began is over.</summary>
    internal void Answered(Peer peer)
    {
        if (_received.IsFirst && _answered > _received.Octets)
            Broken($"{peer} answered {_received.Octets} octets of a stranger with {_answered}");
        if (peer.Node.Settings.HalfOpenLimit is > 0 and var limit && peer.Node.HalfOpenCount > limit)
            Broken($"{peer} has {peer.Node.HalfOpenCount} half-open IKE SAs, more than {limit}");
        _received = default;
    }

    internal void Sent(Peer peer, Packet packet)
    {
        _lastSent[(peer, new(packet.From, packet.To))] = world.Now;
        _answered += packet.Payload.Length;
        if (Describer.TryIke(packet, out var message))
            SentIke(peer, message);
        else if (packet.Protocol == IpProtocol.Ah && AhHeader.TryRead(packet.Payload.Span, out var ah))
            Sent(peer, "AH", ah.Spi, ah.Sequence);
        else if (packet.Protocol == IpProtocol.Esp || Demux.Classify(packet.Payload) == Port4500.Esp)
            SentEsp(peer, packet.Payload);
    }

    /// <summary>A peer that lost its power will not be heard of again.</summary>
    internal void Forget(Peer peer)
    {
        foreach (var key in _conversations.Keys.Where(key => key.Item1 == peer).ToList())
            _conversations.Remove(key);
        foreach (var key in _outgoing.Keys.Where(key => key.Item1 == peer).ToList())
            _outgoing.Remove(key);
        foreach (var key in _lastSent.Keys.Where(key => key.Item1 == peer).ToList())
            _lastSent.Remove(key);
        _watched.Remove(peer);
    }

    internal void Installed(Peer peer, Spi outbound)
    {
        if (!_outgoing.TryGetValue((peer, outbound), out var sa))
            _outgoing[(peer, outbound)] = sa = new();
        sa.Installed++;
    }

    internal void Removed(Peer peer, Spi outbound)
    {
        if (--_outgoing[(peer, outbound)].Installed == 0)
            _outgoing.Remove((peer, outbound));
    }

    internal void Noted(Peer peer, Event @event)
    {
        if (@event is Event.NatDetected { Verdict.Local: true } && peer.Node.Settings.KeepAlive.Interval > TimeSpan.Zero && _watched.Add(peer))
            Watch(peer, []);
    }

    void SentIke(Peer peer, ReadOnlySpan<byte> message)
    {
        if (!IkeHeader.TryRead(message, out var header))
            Broken($"{peer} sent {message.Length} octets on an IKE port that are no IKE message");
        // A hint at a lost child belongs to no IKE SA (RFC 7296 section 1.5); and IKEv1 has neither windows nor one wording.
        if (header.InitiatorSpi.IsZero || header.MajorVersion == Wire.V1.IsakmpMessage.MajorVersion)
            return;
        var key = (peer, header.InitiatorSpi);
        if (!_conversations.TryGetValue(key, out var conversation))
        {
            _conversations[key] = conversation = new();
            ForgetOldest(key);
        }
        // A refusal in clear has no IKE SA behind it, whatever SPIs it repeats, and nobody remembers what it said.
        if (header is { IsResponse: true, FirstPayload: PayloadType.Notify })
            return;
        var words = new Words(header.IsResponse, header.IsResponse ? header.ResponderSpi : default, header.MessageId, FragmentOf(header, message));
        var isRetry = header.Exchange == ExchangeType.IkeSaInit && !header.IsResponse && conversation.IsAnswered;
        if (conversation.Said.TryGetValue(words, out var before) && !before.Message.Span.SequenceEqual(message) && !isRetry)
        {
            if (header is not { IsResponse: true, Exchange: ExchangeType.Informational } || before.IsAgain || world.Now - before.At < MappingLife.Shortest)
                Broken($"{peer} sent two different messages with ID {header.MessageId}: {IkeMessageOf(message)} after {IkeMessageOf(before.Message.Span)}");
            before.IsAgain = true;
        }
        conversation.Said[words] = (Blob.Copy(message), world.Now, before.IsAgain);
        if (!header.IsResponse)
            Asks(peer, conversation, header, isRetry);
        conversation.Forget(header.MessageId);
    }

    static string IkeMessageOf(ReadOnlySpan<byte> message) =>
        Wire.V2.IkeMessage.TryParse(message, out var parsed, out _) ? $"{parsed.InitiatorSpi}_i {parsed.ResponderSpi}_r {parsed}" : "noise";

    /// <summary>In a month there are a hundred thousand IKE SAs, of which few are alive.</summary>
    void ForgetOldest((Peer, IkeSpi) newest)
    {
        const int kept = 20_000;
        _conversationsByAge.Enqueue(newest);
        if (_conversationsByAge.Count > kept)
            _conversations.Remove(_conversationsByAge.Dequeue());
    }

    void Asks(Peer peer, Conversation conversation, in IkeHeader header, bool isRetry)
    {
        if (conversation.Asked is { } asked && header.MessageId != asked)
        {
            if (!conversation.IsAnswered)
                Broken($"{peer} sent request {header.MessageId} while {asked} is unanswered");
            if (header.MessageId != asked.Next)
                Broken($"{peer} sent request {header.MessageId} after {asked}");
        }
        if (header.MessageId != conversation.Asked || isRetry)
            (conversation.Asked, conversation.IsAnswered) = (header.MessageId, false);
    }

    /// <summary>Number and total of an SKF fragment (RFC 7383 section 2.5), 0 for whole messages: in other pieces it may go out again.</summary>
    static uint FragmentOf(in IkeHeader header, ReadOnlySpan<byte> message)
    {
        const int GenericHeader = 4;
        if (header.FirstPayload != PayloadType.SKF)
            return 0;
        var r = new WireReader(message[(IkeHeader.Size + GenericHeader)..]);
        return r.U32();
    }

    void SentEsp(Peer peer, Blob packet)
    {
        var r = new WireReader(packet);
        Sent(peer, "ESP", new(r.U32()), r.U32());
    }

    void Sent(Peer peer, string protocol, Spi spi, uint sequence)
    {
        if (!_outgoing.TryGetValue((peer, spi), out var sa))
            Broken($"{peer} sent {protocol} with SPI {spi}, for which no SA is installed");
        if (sa.Installed == 1 && sequence <= sa.LastSequence)
            Broken($"{peer} sent {protocol} {spi} #{sequence} after #{sa.LastSequence}");
        sa.LastSequence = sequence;
    }

    /// <summary>Looks whether the NATs in front of this peer hear from it often enough: when the next packet is due, and now and then for new IKE SAs.</summary>
    void Watch(Peer peer, Dictionary<Path, Instant> heldSince)
    {
        if (peer.IsOff)
            return;
        if (peer.IsAsleep)
        {
            heldSince.Clear();
            world.After(TimeSpan.FromSeconds(1), () => Watch(peer, heldSince));
            return;
        }
        var settings = peer.Node.Settings;
        var allowed = peer.Node.Mapping.Interval(settings.KeepAlive.Interval) + s_tolerance;
        var next = world.Now + allowed / 4;
        foreach (var sa in peer.Status())
        {
            if (sa.State != IkeState.Established || !sa.Nat.Local || !peer.Addresses.Contains(sa.Path.Local.Address))
                continue;
            heldSince.TryAdd(sa.Path, world.Now);
            var last = _lastSent.TryGetValue((peer, sa.Path), out var sent) && sent > heldSince[sa.Path] ? sent : heldSince[sa.Path];
            if (world.Now - last >= allowed)
                Broken($"{peer} is behind a NAT and sent nothing from {sa.Path} for {(world.Now - last).TotalSeconds:0.0} s");
            next = last + allowed < next ? last + allowed : next;
        }
        world.At(next, () => Watch(peer, heldSince));
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    void Broken(string rule) =>
        throw new InvariantBrokenException($"seed {world.Seed}, at {world.Now}: {rule}\n{world.Transcript.Full(30)}");

    readonly record struct Words(bool IsResponse, IkeSpi Responder, MessageId Id, uint Fragment);

    /// <summary>What one peer said on one IKE SA, and what it asked last.</summary>
    sealed class Conversation
    {
        public Dictionary<Words, (Blob Message, Instant At, bool IsAgain)> Said { get; } = [];
        public MessageId? Asked { get; set; }
        public bool IsAnswered { get; set; }

        public void Forget(MessageId newest)
        {
            foreach (var old in Said.Keys.Where(words => words.Id.Value + EarlierMessages < newest.Value).ToList())
                Said.Remove(old);
        }
    }

    sealed class Outgoing
    {
        public int Installed { get; set; }
        public uint LastSequence { get; set; }
    }
}
