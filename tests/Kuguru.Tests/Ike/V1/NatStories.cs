using Kuguru.Ike;
using Kuguru.Ike.V1;
using Kuguru.Wire.V1;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>NAT traversal with peers of every age (RFC 3947 and the drafts before it), and with peers that see only a part of what is there.</summary>
public class NatStories
{
    static readonly Blob[] _all = [VendorIds.Rfc3947, VendorIds.NatDraft03, VendorIds.NatDraft02Newline, VendorIds.NatDraft02];

    [Theory]
    [InlineData("rfc", false)]
    [InlineData("rfc", true)]
    [InlineData("03", false)]
    [InlineData("03", true)]
    [InlineData("02\\n", false)]
    [InlineData("02\\n", true)]
    [InlineData("02", false)]
    [InlineData("02", true)]
    public void A_peer_of_any_age_is_spoken_to_in_its_own_numbers(string age, bool aggressive)
    {
        // An old initiator says no more, an old responder sees no more: for who reads along that is the same.
        var only = Id(age);
        var pair = Two(aggressive, new("203.0.113.9"));
        var seen = Listen(pair, (from, message) => from == pair.Moon && message.Find<Payload.VendorId>() is not null
            ? With(message, Ids(message).Where(id => id == only || !_all.Contains(id))) : message);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.All(pair.Moon.Installed.Values.Concat(pair.Sun.Installed.Values), sa => Assert.True(sa.UdpEncapsulated));
        Assert.Equal(("local", "remote"), ($"{pair.Moon.V1.Nat}", $"{pair.Sun.V1.Nat}"));

        var answer = seen.First(one => one.From == pair.Sun).Message;
        Assert.Equal([only], Ids(answer).Where(_all.Contains));
        var isDraft = only != VendorIds.Rfc3947;
        var detected = seen.SelectMany(one => one.Message.All<Payload.NatD>()).ToList();
        Assert.True(detected.Count >= 4);
        Assert.All(detected, natD => Assert.Equal(isDraft ? PayloadKind.NatDDraft : PayloadKind.NatD, natD.Type));
        var modes = seen.SelectMany(one => one.Message.All<Payload.SA>()).SelectMany(sa => sa.Proposals).Where(proposal => proposal.Protocol == IsakmpProtocol.Esp)
            .SelectMany(proposal => proposal.Transforms).Select(transform => transform.Number32(IpsecAttribute.EncapsulationMode)).ToList();
        Assert.NotEmpty(modes);
        Assert.All(modes, mode => Assert.Equal(isDraft ? 61443u : 3, mode));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_peer_without_NAT_traversal_is_met_on_plain_ports(bool aggressive)
    {
        var pair = Two(aggressive, new("203.0.113.9"));
        Listen(pair, (from, message) => from == pair.Moon && message.Find<Payload.VendorId>() is not null ? With(message, Ids(message).Where(id => !_all.Contains(id))) : message);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(60);
        MainModeStories.IsUp(pair);
        Assert.Equal(("unsupported", "unsupported"), ($"{pair.Moon.V1.Nat}", $"{pair.Sun.V1.Nat}"));
        Assert.DoesNotContain("4500", pair.World.Transcript);
        Assert.DoesNotContain("NAT-D", pair.World.Transcript);
        Assert.DoesNotContain("keepalive", pair.World.Transcript);
        Assert.All(pair.Moon.Installed.Values.Concat(pair.Sun.Installed.Values), sa => Assert.False(sa.UdpEncapsulated));
    }

    [Fact]
    public void A_peer_that_begins_on_4500_without_a_NAT_stays_there()
    {
        var pair = MainModeStories.Two(moon: c => c with { RemotePort = 4500 });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.All(pair.World.Transcript.TrimEnd().Split('\n'), line => Assert.Contains("4500>4500", line));
        Assert.Equal("none", $"{pair.Sun.V1.Nat}");
        Assert.All(pair.Moon.Installed.Values, sa => Assert.False(sa.UdpEncapsulated));
    }

    [Theory]
    [InlineData(500, true, "remote")]
    [InlineData(4500, true, "remote")]
    [InlineData(500, false, "forced")]
    [InlineData(4500, false, "forced")]
    [InlineData(4501, true, "both")]
    [InlineData(4501, false, "both")]
    public void Who_moves_to_4500_in_aggressive_mode_may_speak_of_the_ports_before(ushort port, bool isBehindNat, string verdict)
    {
        var pair = Two(aggressive: true, isBehindNat ? new("203.0.113.9") : null);
        if (!isBehindNat)
            pair.Sun.Connections[0] = pair.Sun.Connections[0] with { Encapsulation = Encapsulation.Always };
        pair.World.Changes = (from, to, bytes) =>
        {
            if (from != pair.Moon || !IsakmpMessage.TryParse(bytes.Span[4..], out var message, out _) || message is not { IsEncrypted: true, Exchange: ExchangeKind.Aggressive })
                return bytes;
            // The last message may be in clear as well, so that nobody has to have its keys.
            var hashes = ((Host[])[to, from]).Select(host => new Payload.NatD(Kuguru.Nat.NatDetection.Hash(
                message.InitiatorCookie, message.ResponderCookie, new(host.Address, port), System.Security.Cryptography.HashAlgorithmName.SHA256), false));
            message = Inside(to, message);
            Assert.Equal(2, message.All<Payload.NatD>().Count());
            message = message with { Flags = IsakmpFlags.None, Payloads = message.Payloads.Where(payload => payload is not Payload.NatD).Concat(hashes).ToSequence() };
            return (byte[])[0, 0, 0, 0, .. message.Write()];
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(0.3);
        Assert.Equal(verdict, $"{pair.Sun.V1.Nat}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_is_enough_that_one_side_sees_a_NAT_that_the_other_does_not(bool moonSees)
    {
        // Whose source hashes fit nothing is behind a NAT for who reads them, and for nobody else.
        var pair = MainModeStories.Two();
        Listen(pair, (from, message) => from == (moonSees ? pair.Sun : pair.Moon) && message.Find<Payload.NatD>() is not null ? message with
        {
            Payloads = message.Payloads.Select((payload, i) => payload is Payload.NatD natD && message.Payloads.Take(i).Any(before => before is Payload.NatD)
                ? natD with { Data = new byte[natD.Data.Length] } : payload).ToSequence(),
        } : message);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal(moonSees ? ("remote", "none") : ("none", "remote"), ($"{pair.Moon.V1.Nat}", $"{pair.Sun.V1.Nat}"));
        // The initiator moves and says how packets go; a responder that sees more takes what it is asked for.
        Assert.Equal(moonSees ? 4500 : 500, pair.Sun.V1.Path.Remote.Port);
        Assert.All(pair.Moon.Installed.Values.Concat(pair.Sun.Installed.Values), sa => Assert.Equal(moonSees, sa.UdpEncapsulated));
    }

    [Theory]
    [InlineData(5, 6)]
    [InlineData(0, 0)]
    public void Keepalives_go_out_as_often_as_the_connection_says(int seconds, int keepalives)
    {
        var pair = MainModeStories.Two(nat: new("203.0.113.9"), moon: c => c with { KeepAlive = Kuguru.Nat.KeepAlivePolicy.Every(TimeSpan.FromSeconds(seconds)) });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(32);
        Assert.Equal(keepalives, pair.World.Transcript.Split("keepalive").Length - 1);
    }

    [Fact]
    public void An_idle_client_behind_a_NAT_is_found_again_without_dpd_delay_and_is_not_taken_down_for_silence()
    {
        var pair = MainModeStories.Two(nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        pair.Moon.Nat!.Reboot();
        pair.World.Run(62);
        Assert.Equal("192.0.2.2[4500]...203.0.113.9[1026]", $"{pair.Sun.V1.Path}");
        pair.World.Loses = (_, _) => true;
        pair.World.Run(1000);
        Assert.Equal(IkeState.Established, pair.Moon.V1.State);
        pair.World.Loses = (_, _) => false;
        pair.Moon.Nat.Reboot();
        pair.World.Run(400);
        MainModeStories.IsUp(pair);
        Assert.Equal("203.0.113.9", $"{pair.Sun.V1.Path.Remote.Address}");
    }

    [Fact]
    public void Every_local_address_has_a_NAT_D_payload_and_one_that_fits_is_enough()
    {
        var pair = MainModeStories.Two();
        pair.Moon.LocalAddresses = [IpAddress.Parse("10.7.7.7"), IpAddress.Parse("172.16.0.9"), IpAddress.Parse("fd00::1"), IpAddress.Parse("192.0.2.1")];
        pair.Sun.LocalAddresses = [IpAddress.Parse("10.8.8.8"), IpAddress.Parse("192.0.2.2")];
        var seen = Listen(pair);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        // The destination and those of the family that leads there.
        Assert.Equal([4, 3], seen.Select(one => one.Message.All<Payload.NatD>().Count()).Where(count => count > 0));
        Assert.Equal(("none", "none"), ($"{pair.Moon.V1.Nat}", $"{pair.Sun.V1.Nat}"));
    }

    [Fact]
    public void Who_is_not_behind_a_NAT_does_not_speak_from_elsewhere_in_the_middle_of_main_mode()
    {
        var pair = MainModeStories.Two();
        Blob stolen = default;
        pair.World.Loses = (path, bytes) =>
        {
            var isIdentity = path.Local.Address == pair.Moon.Address && bytes.Span[18] == 2 && (bytes.Span[19] & 1) == 1;
            if (!isIdentity || !stolen.IsEmpty)
                return false;
            stolen = bytes;
            return true;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        pair.World.Inject(new(new(pair.Sun.Address, 500), new(IpAddress.Parse("198.51.100.66"), 500)), stolen, pair.Sun);
        pair.World.Run(1);
        Assert.Equal(IkeState.Connecting, pair.Sun.V1.State);
        Assert.Equal(1, pair.Sun.Drops[IkeDrop.NotOurs]);
        pair.World.Run(10);
        MainModeStories.IsUp(pair);
        Assert.Equal("192.0.2.1", $"{pair.Sun.V1.Path.Remote.Address}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_that_changes_its_mind_about_the_NAT_in_quick_mode_is_taken_at_its_word(bool hadOne)
    {
        // RFC 3947 section 5.1: how packets go, the one who asks for the child says; the two have to agree, and what there was before stays as it was.
        var pair = MainModeStories.Two(nat: hadOne ? new("203.0.113.9") : null);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        var before = pair.Sun.V1.Path;
        pair.Moon.V1.Verdict = pair.Moon.V1.Verdict with { Local = !hadOne };
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, session.Status(pair.World.Now).Children.Single().UniqueId, 7, outbox));
        pair.World.Run(3);
        Assert.Null(pair.Moon.Outcome(7));
        MainModeStories.IsUp(pair, generations: true);
        Assert.Equal([hadOne, !hadOne], pair.Sun.Installed.Values.Select(sa => sa.UdpEncapsulated));
        Assert.Equal([hadOne, !hadOne], pair.Moon.Installed.Values.Select(sa => sa.UdpEncapsulated));
        Assert.Equal(before, pair.Sun.V1.Path);
    }

    [Fact]
    public void Once_the_ports_have_changed_500_is_of_yesterday()
    {
        var pair = MainModeStories.Two(nat: new("203.0.113.9"), moon: c => c with { DpdDelay = TimeSpan.FromSeconds(10) });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        var before = pair.Sun.V1.Path;
        Blob stolen = default;
        pair.World.Loses = (path, bytes) =>
        {
            if (bytes.Length < 28 || bytes.Span[4 + 18] != 5 || !stolen.IsEmpty)
                return false;
            stolen = Blob.Copy(bytes.Span[4..]);
            return true;
        };
        pair.World.Run(12);
        Assert.False(stolen.IsEmpty);
        var drops = pair.Sun.Drops.GetValueOrDefault(IkeDrop.NotOurs);
        pair.World.Inject(new(new(pair.Sun.Address, 500), new(IpAddress.Parse("203.0.113.9"), 1024)), stolen, pair.Sun);
        pair.World.Run(1);
        Assert.Equal(drops + 1, pair.Sun.Drops[IkeDrop.NotOurs]);
        Assert.Equal(before, pair.Sun.V1.Path);
        Assert.Empty(pair.Sun.Events.OfType<Event.Moved>());
        pair.World.Run(30);
        MainModeStories.IsUp(pair);
    }

    [Fact]
    public void A_peer_at_a_thousand_places_a_second_is_limited_reported_once_and_found_in_the_end()
    {
        var pair = MainModeStories.Two(nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal(0, pair.Sun.V1.Status(pair.World.Now).Moves);
        for (ushort port = 1; port <= 1000; port++)
        {
            From(port);
            pair.World.Run(0.001);
        }
        Assert.InRange(pair.Sun.Events.OfType<Event.Moved>().Count(), 1, 16);
        Assert.InRange(pair.Sun.Drops[IkeDrop.TooManyMoves], 980, 1000);
        Assert.Single(pair.Sun.Events, e => e.Severity == Severity.Warning && e.Sentence.Contains("places a second", StringComparison.Ordinal));
        pair.World.Run(1);
        From(1000);
        Assert.Equal(1000, pair.Sun.Installed.Values.Single().Path.Remote.Port);
        Assert.InRange(pair.Sun.V1.Status(pair.World.Now).Moves, 2, 17);

        void From(ushort port) => pair.Sun.Order((session, outbox) => session.EspMoved(pair.World.Now, pair.Sun.Installed.Keys.Single(),
            new(new(pair.Sun.Address, 4500), new(IpAddress.Parse("198.51.100.66"), port)), outbox));
    }

    sealed record Seen(Host From, IsakmpMessage Message);

    /// <summary>Reads along, decrypts what the receiver can, and lets somebody change what is in clear.</summary>
    static List<Seen> Listen(Pair pair, Func<Host, IsakmpMessage, IsakmpMessage>? change = null)
    {
        var seen = new List<Seen>();
        pair.World.Changes = (from, to, bytes) =>
        {
            var marker = bytes.Span.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0]) ? 4 : 0;
            if (!IsakmpMessage.TryParse(bytes.Span[marker..], out var message, out _))
                return bytes;
            if (message.IsEncrypted)
            {
                seen.Add(new(from, Inside(to, message)));
                return bytes;
            }
            var changed = change?.Invoke(from, message) ?? message;
            seen.Add(new(from, changed));
            return (byte[])[.. new byte[marker], .. changed == message ? bytes.Span[marker..] : changed.Write()];
        };
        return seen;
    }

    static IsakmpMessage Inside(Host to, IsakmpMessage message)
    {
        var session = to.Sessions.OfType<IkeV1Session>().First(one => one.LocalSpi == message.InitiatorCookie || one.LocalSpi == message.ResponderCookie);
        var (keying, iv) = session.Phase switch
        {
            KeyedPhase phase => (phase.Keying, phase.IvOf(message.Id)),
            ExpectIdentity phase => (phase.Keying, phase.Keying.LastBlock),
            OfferedAggressive phase => (phase.Keying, phase.Keying.LastBlock),
            _ => (null, default),
        };
        return keying?.Open(iv, message.Encrypted!) is { } plaintext
            && Payload.TryReadChain(message.Encrypted!.FirstInner, plaintext, out var payloads, out _, out _) ? message with { Payloads = payloads } : message;
    }

    static IEnumerable<Blob> Ids(IsakmpMessage message) => message.All<Payload.VendorId>().Select(id => id.Data);

    static IsakmpMessage With(IsakmpMessage message, IEnumerable<Blob> ids) => message with
    {
        Payloads = message.Payloads.Where(payload => payload is not Payload.VendorId).Concat(ids.ToList().Select(id => new Payload.VendorId(id))).ToSequence(),
    };

    static Blob Id(string age) => age switch
    {
        "rfc" => VendorIds.Rfc3947,
        "03" => VendorIds.NatDraft03,
        "02\\n" => VendorIds.NatDraft02Newline,
        _ => VendorIds.NatDraft02,
    };

    static Pair Two(bool aggressive, Napt? nat = null)
    {
        var pair = MainModeStories.Two(change: c => c with { Aggressive = aggressive }, nat: nat);
        pair.Sun.Settings = new() { AggressiveSharedKey = true };
        return pair;
    }
}
