using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>How a tunnel comes up, or does not, message by message.</summary>
public sealed class HandshakeTests
{
    [Fact]
    public void Through_a_home_NAT_a_tunnel_comes_up_in_four_messages()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { ClientSettings = new() { RevealKeys = true } });
        Assert.True(scene.Connect(), scene.Why());
        Assert.Equal("""
            0.000 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            0.050 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(CHILDLESS_IKEV2_SUPPORTED) }
            0.100 > IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, CP(CFG_REQUEST), SA, TSi, TSr, N(MOBIKE_SUPPORTED), N(NO_ADDITIONAL_ADDRESSES), V }
            0.150 < IKE_AUTH response 1 { IDr, AUTH, CP(CFG_REPLY), SA, TSi, TSr, N(MOBIKE_SUPPORTED), N(ADDITIONAL_IP4_ADDRESS), N(ADDITIONAL_IP6_ADDRESS), V }

            """, scene.Transcript);
    }

    [Fact]
    public void A_lost_first_request_is_sent_again_after_four_seconds()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public);
        scene.World.Internet.LoseNext();
        Assert.True(scene.Connect(), scene.Why());
        Assert.Equal(["0.000", "4.000", "4.050", "4.100", "4.150"], scene.World.Transcript.Crossings.Select(c => c.At.ToString()));
    }

    [Fact]
    public void A_lost_answer_is_given_again_from_memory()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public);
        var gateway = scene.Gateway.Address;
        scene.World.Internet.LoseNext(2, p => p.From.Address == gateway);
        Assert.True(scene.Connect(), scene.Why());
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
        Assert.True(scene.PingsBothWays());
    }

    [Fact]
    public void A_group_that_the_gateway_does_not_take_is_changed_in_a_second_try()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new()
        {
            IkeProposal = "aes128gcm16-prfsha256-ecp256",
            Client = c => c with { Proposals = Proposal("aes128gcm16-prfsha256-x25519-ecp256") },
        });
        Assert.True(scene.Connect(), scene.Why());
        Assert.Contains("N(INVALID_KE_PAYLOAD)", scene.Transcript);
        Assert.Equal("ECP_256", scene.Client.Sa.Suite!.KeyExchange.Name());
        Assert.True(scene.PingsBothWays());
    }

    [Theory]
    [InlineData("aes128-sha256-modp2048", "aes128-sha256")]
    [InlineData("aes256-sha512-ecp384", "aes256-sha512")]
    [InlineData("chacha20poly1305-prfsha384-x25519", "chacha20poly1305")]
    [InlineData("aes256gcm16-prfsha512-ecp521", "aes256gcm16")]
    [InlineData("aes192ctr-sha384-x25519", "aes128ctr-sha1")]
    public void Every_suite_carries_pings_both_ways(string ike, string esp)
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { IkeProposal = ike, EspProposal = esp });
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays());
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
    }

    [Fact]
    public void A_wrong_key_is_refused_and_both_ends_forget_the_attempt()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { ClientSecret = "not the one" });
        Assert.False(scene.Connect());
        Fails(scene, FailureCode.AuthenticationFailed);
        Assert.Contains(scene.Gateway.Events, e => e.Event is Event.Failed { Failure.Code: FailureCode.AuthenticationFailed });
    }

    [Fact]
    public void Without_a_common_proposal_the_client_is_told_and_nothing_is_remembered()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Client = c => c with { Proposals = Proposal("aes256-sha384-modp3072") } });
        Assert.False(scene.Connect());
        Fails(scene, FailureCode.NoProposalChosen);
        Assert.Contains("N(NO_PROPOSAL_CHOSEN)", scene.Transcript);
    }

    [Fact]
    public void Without_a_common_ESP_proposal_the_child_is_refused()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new()
        {
            Client = c => c with { Children = [c.Children[0] with { Proposals = Proposal("aes256-sha384", ProposalKind.Esp) }] },
        });
        Assert.False(scene.Connect());
        Assert.Equal(FailureCode.NoProposalChosen, scene.Attempts[0].Failure!.Code);
        Assert.Empty(scene.Client.Children);
        Assert.Empty(scene.Gateway.Children);
    }

    [Fact]
    public void An_identity_that_the_gateway_does_not_expect_is_refused()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new()
        {
            Gateway = c => c with { Remote = [c.Remote[0] with { Id = Identity.Parse("somebody.else.example") }] },
        });
        Assert.False(scene.Connect());
        Fails(scene, FailureCode.AuthenticationFailed);
    }

    [Fact]
    public void A_network_that_the_gateway_does_not_offer_is_refused()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new()
        {
            Client = c => c with { Children = [c.Children[0] with { RemoteSelectors = [new(Prefix.Of("172.16.0.0/12"))] }] },
        });
        Assert.False(scene.Connect());
        Assert.Equal(FailureCode.TrafficSelectorsUnacceptable, scene.Attempts[0].Failure!.Code);
    }

    [Fact]
    public void A_filter_on_4500_is_named_as_such()
    {
        var scene = Scene.Between(Sites.Blocks4500, Sites.Public);
        Assert.False(scene.Connect());
        Fails(scene, FailureCode.NatPortBlocked);
        Assert.Contains("4500", scene.Attempts[0].Failure!.Sentence);
    }

    [Fact]
    public void A_gateway_that_never_answers_is_unreachable_and_named()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public);
        scene.Gateway.PowerOff();
        Assert.False(scene.Connect());
        Assert.Equal(FailureCode.Unreachable, scene.Attempts[0].Failure!.Code);
        Assert.Contains(scene.GatewayAddress.ToString(), scene.Attempts[0].Failure!.Sentence);
        Assert.Empty(scene.Client.Status());
    }

    [Fact]
    public void A_tunnel_that_is_taken_down_is_gone_at_both_ends()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public);
        Assert.True(scene.Connect());
        var down = scene.Client.Down();
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(down.Succeeded, down.ToString());
        Assert.Empty(scene.Client.Status());
        Assert.Empty(scene.Gateway.Status());
        Assert.Empty(scene.Client.VirtualAddresses);
        Assert.Equal((0, 0), (scene.Client.SaTable.Count, scene.Gateway.SaTable.Count));
        Assert.Equal(0, scene.Gateway.Node.Pools.Find("rw")!.Online);
    }

    [Fact]
    public void The_client_gets_the_address_and_the_name_server_of_the_pool()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public);
        Assert.True(scene.Connect());
        Assert.Equal("10.3.0.1", scene.Client.VirtualAddresses.Single().ToString());
        Assert.Equal([scene.Server.Address], scene.Client.DnsServers);
    }

    static void Fails(Scene scene, FailureCode code)
    {
        Assert.True(scene.Attempts[0].IsDone, scene.Why());
        Assert.Equal(code, scene.Attempts[0].Failure!.Code);
        scene.RunFor(TimeSpan.FromMinutes(2));
        Assert.Empty(scene.Client.Status());
        Assert.Empty(scene.Gateway.Status());
        Assert.Equal(0, scene.Gateway.Node.HalfOpenCount);
        Assert.Empty(scene.Gateway.Children);
    }

    static ImmutableArray<AlgorithmSet> Proposal(string keywords, ProposalKind kind = ProposalKind.Ike)
    {
        Assert.True(AlgorithmSet.TryParse(keywords, kind, out var proposals, out var error), error);
        return proposals;
    }
}
