using Kuguru.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>IKE_SA_INIT: cookies, groups, refusals, loss.</summary>
public class InitStories
{
    [Fact]
    public void A_group_that_the_peer_does_not_take_costs_one_more_round_trip()
    {
        var pair = new Pair(
            moon: c => c with { Proposals = Configs.Ike("aes128-sha256-modp2048-x25519") },
            sun: c => c with { Proposals = Configs.Ike("aes128-sha256-x25519") });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("""
            0.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            0.05 < IKE_SA_INIT response 0 { N(INVALID_KE_PAYLOAD) }
            0.10 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            0.15 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(CHILDLESS_IKEV2_SUPPORTED) }
            0.20 > IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, SA, TSi, TSr }
            0.25 < IKE_AUTH response 1 { IDr, AUTH, SA, TSi, TSr }

            """, pair.World.Transcript);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519", $"{pair.Moon.Session.Status(pair.World.Now).Suite}");
    }

    [Fact]
    public void A_cookie_is_sent_back_first_with_the_same_nonce_and_value_and_AUTH_covers_that_message()
    {
        var pair = new Pair();
        var requests = new List<IkeMessage>();
        // Sun's node would make the cookie; here somebody in front of it does.
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Local.Address != pair.Moon.Address || !IkeMessage.TryParse(bytes, out var request, out _) || request.Exchange != ExchangeType.IkeSaInit)
                return false;
            requests.Add(request);
            if (request.Has(NotifyType.Cookie))
                return false;
            Answer(pair, request, new Payload.Notify(NotifyType.Cookie, new byte[] { 1, 2, 3 }));
            return true;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal(2, requests.Count);
        Assert.Equal(NotifyType.Cookie, Assert.IsType<Payload.Notify>(requests[1].Payloads[0]).Kind);
        Assert.Equal(Blob.FromHex("010203"), requests[1].Find(NotifyType.Cookie)!.Data);
        Assert.Equal(requests[0].Payloads.Skip(0).ToList(), requests[1].Payloads.Skip(1).ToList());
        Assert.Equal((requests[0].InitiatorSpi, requests[0].Id), (requests[1].InitiatorSpi, requests[1].Id));
    }

    [Fact]
    public void Cookies_without_end_are_not_followed_without_end()
    {
        var pair = new Pair();
        var count = 0;
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Local.Address == pair.Moon.Address && IkeMessage.TryParse(bytes, out var request, out _))
                Answer(pair, request, new Payload.Notify(NotifyType.Cookie, new[] { (byte)++count }));
            return path.Local.Address == pair.Moon.Address;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(400);
        Assert.InRange(count, 6, 12);
        Assert.Equal(FailureCode.Unreachable, pair.Moon.Outcome(1)!.Code);
        Assert.Empty(pair.Moon.Sessions);
    }

    [Fact]
    public void No_proposal_chosen_is_believed_when_the_peer_says_it_three_times()
    {
        var pair = new Pair(moon: c => c with { Proposals = Configs.Ike("aes256-sha512-modp4096") });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(60);
        Assert.Equal("""
            0.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            0.05 < IKE_SA_INIT response 0 { N(NO_PROPOSAL_CHOSEN) }
            4.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            4.05 < IKE_SA_INIT response 0 { N(NO_PROPOSAL_CHOSEN) }
            11.20 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            11.25 < IKE_SA_INIT response 0 { N(NO_PROPOSAL_CHOSEN) }

            """, pair.World.Transcript);
        var failure = pair.Moon.Outcome(1)!;
        Assert.Equal(FailureCode.NoProposalChosen, failure.Code);
        Assert.Contains("received NO_PROPOSAL_CHOSEN notify error from 192.0.2.2[500]", failure.Sentence, StringComparison.Ordinal);
        Assert.Contains("IKE:AES_CBC_256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/MODP_4096", failure.Sentence, StringComparison.Ordinal);
        Assert.Contains(pair.Sun.Failures, sentence => sentence.Contains("it offers AES_CBC_256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/MODP_4096", StringComparison.Ordinal)
            && sentence.Contains("we have IKE:AES_CBC_128", StringComparison.Ordinal));
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void A_forged_refusal_does_not_stop_the_real_answer()
    {
        var pair = new Pair();
        var first = true;
        pair.World.Loses = (path, bytes) =>
        {
            if (!first || !IkeMessage.TryParse(bytes, out var request, out _))
                return false;
            first = false;
            Answer(pair, request, new Payload.Notify(NotifyType.NoProposalChosen));
            return true;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(6);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal(IkeState.Established, pair.Moon.Session.State);
    }

    [Fact]
    public void A_group_that_was_not_offered_is_not_followed()
    {
        var pair = new Pair();
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Local.Address == pair.Moon.Address && IkeMessage.TryParse(bytes, out var request, out _))
                Answer(pair, request, new Payload.Notify(NotifyType.InvalidKePayload, new byte[] { 0, 1 }));
            return true;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(60);
        Assert.Equal(FailureCode.Refused, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("INVALID_KE_PAYLOAD", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_request_is_sent_again_and_a_lost_answer_is_given_again_octet_for_octet()
    {
        var pair = new Pair();
        var sent = new List<Blob>();
        var losses = 0;
        pair.World.Loses = (path, bytes) =>
        {
            sent.Add(bytes);
            return losses++ is 0 or 2 or 5;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(30);
        Assert.Equal("""
            0.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }  lost
            4.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            4.05 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(CHILDLESS_IKEV2_SUPPORTED) }  lost
            11.20 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            11.25 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(CHILDLESS_IKEV2_SUPPORTED) }
            11.30 > IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, SA, TSi, TSr }  lost
            15.30 > IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, SA, TSi, TSr }
            15.35 < IKE_AUTH response 1 { IDr, AUTH, SA, TSi, TSr }

            """, pair.World.Transcript);
        Assert.Equal(sent[0], sent[1]);
        Assert.Equal(sent[2], sent[4]);
        Assert.Equal(sent[5], sent[6]);
        Assert.Single(pair.Sun.Sessions);
    }

    [Fact]
    public void Everything_twice_is_as_good_as_once()
    {
        var pair = new Pair();
        pair.World.Copies = () => 2;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Single(pair.Moon.Sessions);
        Assert.Single(pair.Sun.Sessions);
        Assert.Single(pair.Moon.Installed);
        Assert.Single(pair.Sun.Installed);
    }

    [Fact]
    public void Nobody_there_is_said_after_165_seconds()
    {
        var pair = new Pair();
        pair.World.Loses = (_, _) => true;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(164);
        Assert.False(pair.Moon.IsDone(1));
        pair.World.Run(3);
        var failure = pair.Moon.Outcome(1)!;
        Assert.Equal(FailureCode.Unreachable, failure.Code);
        Assert.Contains("192.0.2.2[500]", failure.Sentence, StringComparison.Ordinal);
        Assert.Contains("sent 6 times", failure.Sentence, StringComparison.Ordinal);
        Assert.Equal(6, pair.World.Transcript.Count(c => c == '\n'));
        Assert.Empty(pair.Moon.Sessions);
    }

    [Fact]
    public void Keyingtries_starts_over_with_a_new_SPI_and_those_who_wait_go_on_waiting()
    {
        var pair = new Pair(moon: c => c with { KeyingTries = 2 });
        pair.World.Loses = (_, _) => pair.World.Now < new Instant(1_000_000_000) + TimeSpan.FromSeconds(200);
        pair.Moon.Up(pair.Sun);
        var first = pair.Moon.Session.LocalSpi;
        pair.World.Run(400);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.NotEqual(first, pair.Moon.Session.LocalSpi);
        Assert.Single(pair.Moon.Installed);
    }

    [Fact]
    public void Keyingtries_of_zero_never_gives_up()
    {
        var pair = new Pair(moon: c => c with { KeyingTries = 0 });
        pair.World.Loses = (_, _) => true;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3600);
        Assert.False(pair.Moon.IsDone(1));
        Assert.Single(pair.Moon.Sessions);
        Assert.True(pair.World.Transcript.Count(c => c == '\n') > 100);
    }

    [Theory]
    [InlineData(0, NotifyType.InvalidSyntax)]
    [InlineData(1, NotifyType.InvalidSyntax)]
    [InlineData(2, NotifyType.InvalidSyntax)]
    public void A_first_message_that_lacks_SA_KE_or_nonce_is_refused_and_forgotten(int missing, NotifyType notify)
    {
        var (pair, request) = FirstMessage();
        var answer = Ask(pair, request with { Payloads = request.Payloads.Where((_, i) => i != missing).ToSequence() });
        Assert.Equal(notify, Assert.IsType<Payload.Notify>(Assert.Single(answer!.Payloads)).Kind);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void A_payload_that_must_be_understood_is_refused_by_its_number()
    {
        var (pair, request) = FirstMessage();
        var answer = Ask(pair, request with { Payloads = [.. request.Payloads, new Payload.Unknown((PayloadType)200, true, Blob.FromHex("00"))] });
        var notify = Assert.IsType<Payload.Notify>(Assert.Single(answer!.Payloads));
        Assert.Equal((NotifyType.UnsupportedCriticalPayload, Blob.FromHex("c8")), (notify.Kind, notify.Data));
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void Unknown_payloads_vendor_IDs_and_status_notifies_are_ignored()
    {
        var (pair, request) = FirstMessage();
        var answer = Ask(pair, request with
        {
            Payloads = [.. request.Payloads, new Payload.Unknown((PayloadType)200, false, Blob.FromHex("00")), new Payload.VendorId(Blob.FromHex("0102")), new Payload.Notify((NotifyType)50000)],
        });
        Assert.NotNull(answer!.Find<Payload.KE>());
        Assert.Single(pair.Sun.Sessions);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_public_value_of_another_length_is_refused(int length)
    {
        var (pair, request) = FirstMessage();
        var answer = Ask(pair, request with { Payloads = request.Payloads.Select(p => p is Payload.KE ke ? ke with { Data = new byte[length] } : p).ToSequence() });
        Assert.Equal(NotifyType.InvalidSyntax, Assert.IsType<Payload.Notify>(Assert.Single(answer!.Payloads)).Kind);
    }

    [Fact]
    public void A_public_value_of_small_order_is_refused()
    {
        var (pair, request) = FirstMessage();
        var answer = Ask(pair, request with { Payloads = request.Payloads.Select(p => p is Payload.KE ke ? ke with { Data = new byte[32] } : p).ToSequence() });
        Assert.Equal(NotifyType.InvalidSyntax, Assert.IsType<Payload.Notify>(Assert.Single(answer!.Payloads)).Kind);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void Who_is_asked_and_falls_silent_is_forgotten_after_half_a_minute()
    {
        var (pair, request) = FirstMessage();
        Ask(pair, request);
        Assert.True(pair.Sun.Session.IsHalfOpen);
        pair.World.Run(29);
        Assert.Single(pair.Sun.Sessions);
        pair.World.Run(2);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void Calling_it_off_ends_it_at_once()
    {
        var pair = new Pair();
        pair.World.Loses = (_, _) => true;
        pair.Moon.Up(pair.Sun);
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 2, force: false, outbox));
        Assert.Equal(FailureCode.Aborted, pair.Moon.Outcome(1)!.Code);
        Assert.Null(pair.Moon.Outcome(2));
        Assert.Empty(pair.Moon.Sessions);
    }

    [Fact]
    public void Without_a_key_nothing_is_sent_at_all()
    {
        var pair = new Pair();
        pair.Moon.Keys.Clear();
        pair.Moon.Up(pair.Sun);
        Assert.Equal(FailureCode.NoSharedKey, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("no shared key found for 'moon.example.org' (domain name) - 'sun.example.org' (domain name)", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Empty(pair.World.Transcript);
        Assert.Empty(pair.Moon.Sessions);
    }

    static (Pair Pair, IkeMessage Request) FirstMessage()
    {
        var pair = new Pair();
        IkeMessage? request = null;
        pair.World.Loses = (path, bytes) => IkeMessage.TryParse(bytes, out request, out var error);
        pair.Moon.Up(pair.Sun);
        pair.World.Loses = (_, _) => false;
        pair.Moon.Sessions.Clear();
        return (pair, request!);
    }

    static IkeMessage? Ask(Pair pair, IkeMessage request)
    {
        IkeMessage? answer = null;
        pair.World.Loses = (path, bytes) => path.Local.Address == pair.Sun.Address && IkeMessage.TryParse(bytes, out answer, out _);
        pair.Sun.Receive(new Path(new(pair.Sun.Address, 500), new(pair.Moon.Address, 500)), request.Write());
        return answer;
    }

    static void Answer(Pair pair, IkeMessage request, Payload.Notify notify)
    {
        var answer = new IkeMessage(request.InitiatorSpi, default, request.Exchange, IkeFlags.Response, request.Id, [notify]);
        pair.World.Inject(new Path(new(pair.Moon.Address, 500), new(pair.Sun.Address, 500)), answer.Write(), pair.Moon);
    }
}
