using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>What a NAT on the way changes.</summary>
public class NatStories
{
    [Fact]
    public void A_client_behind_a_NAT_moves_to_4500_with_IKE_AUTH_and_holds_its_mapping()
    {
        var pair = new Pair(nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(41);
        Assert.Equal("""
            0.00 > 1024>500 IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            0.05 < 500>1024 IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(CHILDLESS_IKEV2_SUPPORTED) }
            0.10 > 1025>4500 IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, SA, TSi, TSr, V }
            0.15 < 4500>1025 IKE_AUTH response 1 { IDr, AUTH, SA, TSi, TSr, V }
            20.10 > 1025>4500 keepalive
            40.10 > 1025>4500 keepalive

            """, pair.World.Transcript);
        Assert.Equal(("local", "remote"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        Assert.Equal("10.1.0.10[4500]...192.0.2.2[4500]", $"{pair.Moon.Session.Path}");
        Assert.Equal("192.0.2.2[4500]...203.0.113.9[1025]", $"{pair.Sun.Session.Path}");
        Assert.All((IEnumerable<ChildSa>)[pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single()], sa => Assert.True(sa.UdpEncapsulated));
        Assert.Equal(pair.Sun.Session.Path, pair.Sun.Installed.Values.Single().Path);
    }

    [Fact]
    public void A_keepalive_waits_while_there_is_other_traffic()
    {
        var pair = new Pair(nat: new("203.0.113.9")).Up();
        var usage = pair.Moon.Installed.Values.Single().Usage;
        for (var i = 0; i < 10; i++)
        {
            pair.World.Run(10);
            usage.CountOutbound(pair.World.Now, 1, 100);
            usage.CountInbound(pair.World.Now, 1, 100);
        }
        Assert.Empty(pair.World.Transcript);
        pair.World.Run(19);
        Assert.Empty(pair.World.Transcript);
        pair.World.Run(2);
        Assert.EndsWith("keepalive\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Single(pair.World.Transcript.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Always_floating_goes_to_4500_without_a_NAT_and_leaves_ESP_plain()
    {
        var pair = new Pair(moon: c => c with { Mobike = true }).Up();
        Assert.Equal(("none", "192.0.2.1[4500]...192.0.2.2[4500]"), ($"{pair.Moon.Session.Nat}", $"{pair.Moon.Session.Path}"));
        Assert.Equal("192.0.2.2[4500]...192.0.2.1[4500]", $"{pair.Sun.Session.Path}");
        Assert.False(pair.Moon.Installed.Values.Single().UdpEncapsulated);
        Assert.False(pair.Sun.Installed.Values.Single().UdpEncapsulated);
        pair.World.Run(60);
        Assert.Empty(pair.World.Transcript);
    }

    [Fact]
    public void Forced_encapsulation_looks_like_a_NAT_to_the_peer_who_sees_through_it()
    {
        var pair = new Pair(moon: c => c with { Encapsulation = Encapsulation.Always }).Up();
        Assert.Equal(("forced", "remote"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        Assert.True(pair.Sun.Session.Nat.LooksForced);
        Assert.Equal("192.0.2.1[4500]...192.0.2.2[4500]", $"{pair.Moon.Session.Path}");
        Assert.True(pair.Moon.Installed.Values.Single().UdpEncapsulated);
        Assert.True(pair.Sun.Installed.Values.Single().UdpEncapsulated);
        pair.World.Run(50);
        // Whoever claims a NAT has a firewall in mind, which forgets as a NAT does.
        Assert.Equal(["keepalive", "keepalive"], pair.World.Transcript.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[^1]));
    }

    [Fact]
    public void A_responder_may_force_it_too()
    {
        var pair = new Pair(sun: c => c with { Encapsulation = Encapsulation.Always }).Up();
        Assert.Equal(("remote", "forced"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        Assert.True(pair.Moon.Installed.Values.Single().UdpEncapsulated);
        Assert.True(pair.Sun.Installed.Values.Single().UdpEncapsulated);
    }

    [Fact]
    public void NATs_at_both_ends_are_seen_from_both_ends()
    {
        var pair = new Pair(nat: new("203.0.113.9"), sunNat: new("203.0.113.77")).Up();
        Assert.Equal(("both", "both"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        Assert.Equal("10.1.0.10[4500]...203.0.113.77[4500]", $"{pair.Moon.Session.Path}");
        Assert.Equal("10.2.0.10[4500]...203.0.113.9[1025]", $"{pair.Sun.Session.Path}");
    }

    [Fact]
    public void A_port_forward_alone_is_a_NAT_on_the_responders_side()
    {
        var pair = new Pair(sunNat: new("203.0.113.77")).Up();
        Assert.Equal(("remote", "local"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(4500)]
    public void A_peer_on_4500_is_spoken_to_from_4500_with_the_marker_from_the_first_octet(int localPort)
    {
        var pair = new Pair(moon: c => c with { RemotePort = 4500 }, nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun, localPort: (ushort)localPort);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.All(pair.World.Transcript.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Contains(line[5] == '>' ? "1024>4500" : "4500>1024", line, StringComparison.Ordinal));
        Assert.Equal("10.1.0.10[4500]...192.0.2.2[4500]", $"{pair.Moon.Session.Path}");
    }

    [Fact]
    public void A_host_with_several_addresses_sends_a_hash_for_each_and_one_that_fits_is_enough()
    {
        var pair = new Pair();
        pair.Moon.LocalAddresses = [IpAddress.Parse("10.9.9.9"), pair.Moon.Address, IpAddress.Parse("2001:db8::1"), IpAddress.Parse("172.16.0.1")];
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP)", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal("none", $"{pair.Sun.Session.Nat}");
    }

    [Fact]
    public void The_gateway_follows_a_client_whose_NAT_has_rebooted_by_its_next_request()
    {
        var pair = new Pair(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(30) }, nat: new("203.0.113.9")).Up();
        pair.Moon.Nat!.Reboot();
        pair.World.Run(35);
        Assert.Equal("203.0.113.9[1026]", $"{pair.Sun.Session.Path.Remote}");
        var moved = Assert.Single(pair.Sun.Events.OfType<Event.Moved>());
        Assert.Equal(("203.0.113.9[1025]", "203.0.113.9[1026]", false), ($"{moved.Old.Remote}", $"{moved.New.Remote}", moved.ByEsp));
        Assert.Equal("203.0.113.9[1026]", $"{pair.Sun.Installed.Values.Single().Path.Remote}");
        Assert.EndsWith("INFORMATIONAL response 2 { N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP) }\n", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void The_gateway_follows_an_authentic_ESP_packet()
    {
        var pair = new Pair(nat: new("203.0.113.9")).Up();
        var spi = pair.Sun.Installed.Keys.Single();
        var arrived = new Path(new(pair.Sun.Address, 4500), new(IpAddress.Parse("203.0.113.200"), 7777));
        pair.Sun.Order((session, outbox) => session.EspMoved(pair.World.Now, spi, arrived, outbox));
        Assert.Equal("203.0.113.200[7777]", $"{pair.Sun.Session.Path.Remote}");
        Assert.True(Assert.Single(pair.Sun.Events.OfType<Event.Moved>()).ByEsp);
        Assert.Equal(arrived, pair.Sun.Installed.Values.Single().Path);

        pair.Sun.Order((session, outbox) => session.EspMoved(pair.World.Now, spi, arrived, outbox));
        Assert.Single(pair.Sun.Events.OfType<Event.Moved>());
    }

    [Fact]
    public void A_client_behind_a_NAT_stays_with_the_address_that_it_was_told()
    {
        var pair = new Pair(nat: new("203.0.113.9")).Up();
        var spi = pair.Moon.Installed.Keys.Single();
        pair.Moon.Order((session, outbox) => session.EspMoved(pair.World.Now, spi, new(new(pair.Moon.Address, 4500), new(IpAddress.Parse("203.0.113.200"), 7777)), outbox));
        Assert.Equal("192.0.2.2[4500]", $"{pair.Moon.Session.Path.Remote}");
        Assert.Empty(pair.Moon.Events.OfType<Event.Moved>());
    }

    [Fact]
    public void Without_a_NAT_nobody_follows_but_the_answer_goes_where_the_question_came_from()
    {
        var pair = new Pair(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(30) }).Up();
        Blob? question = null;
        pair.World.Loses = (_, bytes) => (question ??= bytes) == bytes;
        pair.World.Run(33);
        pair.World.Forget();
        pair.World.Loses = (_, _) => false;
        pair.Sun.Receive(new(new(pair.Sun.Address, 500), new(IpAddress.Parse("192.0.2.99"), 500)), question!.Value);
        Assert.Equal("192.0.2.1[500]", $"{pair.Sun.Session.Path.Remote}");
        Assert.Contains("< INFORMATIONAL response 2", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(IpAddress.Parse("192.0.2.99"), pair.World.LastPath.Remote.Address);
    }

    [Fact]
    public void A_repeated_request_is_answered_where_it_came_from_and_moves_nobody()
    {
        var pair = new Pair(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(30) }, nat: new("203.0.113.9")).Up();
        Blob? question = null;
        pair.World.Loses = (path, bytes) => { question = path.Local.Address == pair.Moon.Nat!.Public && bytes.Length > 1 ? bytes : question; return false; };
        pair.World.Run(35);
        var before = pair.Sun.Session.Path;
        var elsewhere = new Endpoint(IpAddress.Parse("198.51.100.66"), 6666);
        pair.Sun.Receive(new(new(pair.Sun.Address, 4500), elsewhere), question!.Value);
        Assert.Equal(before, pair.Sun.Session.Path);
        Assert.Equal(elsewhere, pair.World.LastPath.Remote);
        Assert.Empty(pair.Sun.Events.OfType<Event.Moved>());
    }

    [Fact]
    public void An_unauthentic_message_moves_nobody()
    {
        var pair = new Pair(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(30) }, nat: new("203.0.113.9")).Up();
        Blob? question = null;
        pair.World.Loses = (path, bytes) => { question = path.Local.Address == pair.Moon.Nat!.Public && bytes.Length > 1 ? bytes : question; return question is not null; };
        pair.World.Run(33);
        pair.World.Forget();
        var forged = question!.Value.ToArray();
        forged[^1] ^= 1;
        pair.Sun.Receive(new(new(pair.Sun.Address, 4500), new(IpAddress.Parse("198.51.100.66"), 6666)), forged);
        Assert.Equal("203.0.113.9[1025]", $"{pair.Sun.Session.Path.Remote}");
        Assert.Empty(pair.World.Transcript);
        Assert.Equal(1, pair.Sun.Drops[IkeDrop.NotAuthentic]);
    }

    [Fact]
    public void IKE_AUTH_may_come_from_another_address_than_IKE_SA_INIT()
    {
        var pair = new Pair(nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(0.06);
        pair.Moon.Nat = new Napt("203.0.113.10", 40000);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("203.0.113.10[40000]", $"{pair.Sun.Session.Path.Remote}");
    }

    [Fact]
    public void When_500_answers_and_4500_is_silent_a_filter_is_named()
    {
        var pair = new Pair(nat: new("203.0.113.9"));
        pair.World.Loses = (path, _) => path.Remote.Port == 4500;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(170);
        var failure = pair.Moon.Outcome(1)!;
        Assert.Equal(FailureCode.NatPortBlocked, failure.Code);
        Assert.Contains("192.0.2.2 answers on UDP port 500 but is silent on port 4500", failure.Sentence, StringComparison.Ordinal);
        Assert.Contains("udp-blocked", failure.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Silence_on_an_unchanged_port_is_no_filter()
    {
        var pair = new Pair();
        var seen = 0;
        pair.World.Loses = (_, _) => ++seen > 2;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(170);
        Assert.Equal(FailureCode.TimedOut, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("answered IKE_SA_INIT but not IKE_AUTH", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_clients_behind_one_NAT_are_told_apart_by_their_SAs()
    {
        var pair = new Pair(sun: c => c with { Remote = [new()], Children = [Configs.Child("net", "10.2.0.0/16", "10.1.0.0/16")] }, nat: new("203.0.113.9"));
        pair.Sun.Keys[0] = Configs.Key("secret");
        var clients = new List<Host> { pair.Moon };
        for (var i = 0; i < 20; i++)
        {
            var client = pair.World.Add($"10.1.0.{20 + i}", seed: 100);
            client.Nat = pair.Moon.Nat;
            client.Connections.Add(Configs.Connection($"client{i}.example.org", "sun.example.org", Configs.Child("net", "dynamic", "10.2.0.0/16")));
            client.Keys.Add(Configs.Key("secret"));
            clients.Add(client);
        }
        foreach (var client in clients)
            client.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Equal(21, pair.Sun.Sessions.Count);
        Assert.Equal(21, pair.Sun.Sessions.Select(session => session.Path.Remote).Distinct().Count());
        Assert.Equal(21, pair.Sun.Installed.Count);
        Assert.All(clients, client => Assert.Null(client.Outcome(1)));
    }
}
