using Kuguru.Crypto;
using Kuguru.Ike.Eap;
using Kuguru.Wire.Eap;
using Xunit;

namespace Kuguru.Tests.Ike.Eap;

public class EapConversationTests
{
    public static TheoryData<uint, bool> Methods => new() { { 4, false }, { 6, false }, { 26, true } };

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_right_password_lets_a_user_in_and_both_ends_have_the_same_key_or_none(uint method, bool hasKey)
    {
        var talk = new EapTalk { Offered = [new(0, method)] }.Run();
        Assert.Equal(("carol", new EapType(0, method)), (talk.ServerResult.User.ToString(), talk.ClientResult.Method));
        Assert.Equal(talk.ServerResult.Msk, talk.ClientResult.Msk);
        Assert.Equal(hasKey, talk.ServerResult.Msk is not null);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_wrong_password_and_a_user_who_is_not_there_look_the_same(uint method, bool _)
    {
        var wrong = new EapTalk { Offered = [new(0, method)], Password = "wrong" }.Run();
        var nobody = new EapTalk { Offered = [new(0, method)], User = "nobody" }.Run();
        Assert.Equal(wrong.Transcript, nobody.Transcript);
        Assert.Equal(wrong.ServerWhy, nobody.ServerWhy);
        Assert.Contains("there is no such user, or the password is wrong", wrong.ServerWhy, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_client_without_a_password_says_what_is_missing(uint method, bool _)
    {
        var talk = new EapTalk { Offered = [new(0, method)], Password = "" }.Run();
        Assert.EndsWith("no EAP key found for 'carol': add a section eap-... with this id to 'secrets'", talk.ClientWhy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4u, "192.168.0.100")]
    [InlineData(26u, "carol")]
    public void Who_says_no_name_is_called_as_in_IKE_or_as_the_method_says(uint method, string expected)
    {
        var talk = new EapTalk { Offered = [new(0, method)] };
        talk.Users["192.168.0.100"] = "Ar3etTnp";
        talk.ClientSays = packet => packet.Method == EapType.Identity ? EapPacket.Response(packet.Identifier, EapType.Identity, Blob.Empty) : null;
        Assert.Equal(expected, $"{talk.Run().ServerResult.User}");
    }

    [Fact]
    public void Mschapv2_goes_as_the_draft_says()
    {
        Assert.Equal("""
            < EAP-Request/EAP_IDENTITY
            > EAP-Response/EAP_IDENTITY
            < EAP-Request/EAP_MSCHAPV2
            > EAP-Response/EAP_MSCHAPV2
            < EAP-Request/EAP_MSCHAPV2
            > EAP-Response/EAP_MSCHAPV2
            < EAP-Success

            """, new EapTalk().Run().Transcript);
    }

    [Fact]
    public void An_nt_hash_is_enough_for_mschapv2()
    {
        var talk = new EapTalk();
        talk.Users["carol"] = "something else";
        talk.Hashes["carol"] = MsChapV2.NtPasswordHash(Secret.Copy("Ar3etTnp"u8));
        Assert.Equal("carol", talk.Run().ServerResult.User.ToString());
    }

    [Fact]
    public void A_user_who_was_not_asked_says_his_name_in_mschapv2()
    {
        var talk = new EapTalk { AsksName = false }.Run();
        Assert.Equal("carol", talk.ServerResult.User.ToString());
    }

    [Fact]
    public void Who_has_said_one_name_may_not_say_another_in_mschapv2()
    {
        // The client hears no question for its name, so that somebody else answers it.
        var talk = new EapTalk();
        talk.Changes = packet => packet is { Code: EapCode.Response } && packet.Method == EapType.Identity ? packet with { Data = "dave"u8.ToArray() } : packet;
        Assert.Equal("EAP_MSCHAPV2: it is 'dave' to EAP, and 'carol' to MS-CHAP-V2", talk.Run().ServerWhy);
    }

    [Fact]
    public void After_a_wrong_password_a_user_may_try_twice_again_and_no_more()
    {
        var talk = new EapTalk();
        var responses = new List<EapPacket>();
        // Windows: another password, under the new challenge, in answer to a failure that may be retried.
        talk.ClientSays = request =>
        {
            if (request.Code != EapCode.Request || request.Method != EapType.MsChapV2)
                return null;
            byte[] response = [2, request.Data.Span[1], 0, 59, 49, .. new byte[49], .. "carol"u8];
            responses.Add(request);
            return EapPacket.Response(request.Identifier, EapType.MsChapV2, response);
        };
        Assert.Equal("EAP_MSCHAPV2: there is no such user, or the password is wrong (3 tries)", talk.Run().ServerWhy);
        Assert.Equal(3, responses.Count);
        Assert.Equal([1, 4, 4], responses.Select(packet => (int)packet.Data.Span[0]));
        Assert.Equal(3, responses.Select(packet => packet.Data).Distinct().Count());
    }

    [Fact]
    public void A_server_that_does_not_know_the_password_is_not_believed()
    {
        var talk = new EapTalk();
        talk.Changes = packet => packet.Code == EapCode.Request && packet.Method == EapType.MsChapV2 && packet.Data.Span[0] == 3
            ? packet with { Data = System.Text.Encoding.ASCII.GetBytes("\u0003\u0001\u0000\u0030S=" + new string('0', 40) + " M=OK") }
            : packet;
        Assert.Equal("EAP_MSCHAPV2: it does not know the password either: the server is not the one that it seems to be", talk.Run().ClientWhy);
    }

    [Fact]
    public void A_client_that_wants_another_method_gets_it_if_the_server_has_it()
    {
        var talk = new EapTalk { Offered = [EapType.MsChapV2, EapType.Md5Challenge, EapType.GenericTokenCard], Accepted = [EapType.GenericTokenCard] }.Run();
        Assert.Equal(EapType.GenericTokenCard, talk.ServerResult.Method);
        Assert.Equal("""
            < EAP-Request/EAP_IDENTITY
            > EAP-Response/EAP_IDENTITY
            < EAP-Request/EAP_MSCHAPV2
            > EAP-Response/EAP_NAK
            < EAP-Request/EAP_GTC
            > EAP-Response/EAP_GTC
            < EAP-Success

            """, talk.Transcript);
    }

    [Fact]
    public void Ends_without_a_method_in_common_both_say_which_they_have()
    {
        var talk = new EapTalk { Offered = [EapType.MsChapV2], Accepted = [EapType.Md5Challenge] }.Run();
        Assert.Equal("it does not take EAP_MSCHAPV2, but would EAP_MD5: set 'auth' to one that both have", talk.ServerWhy);
        Assert.Equal("it asks for EAP_MSCHAPV2, we have EAP_MD5: set 'auth' to one that both have", talk.ClientWhy);
    }

    [Fact]
    public void A_user_who_is_not_welcome_hears_a_failure() =>
        Assert.Equal("no connection is for the EAP identity 'mallory'", new EapTalk { User = "mallory" }.Run().ServerWhy);

    [Fact]
    public void A_client_that_never_ends_is_cut_off()
    {
        var talk = new EapTalk { Offered = [EapType.Tls], ServerTls = TlsTests.Setup(TlsTests.Server, TlsTests.Root) };
        // Empty fragments for ever: "more follows".
        talk.ClientSays = request => request.Method == EapType.Tls ? EapPacket.Response(request.Identifier, EapType.Tls, (byte[])[0x40]) : null;
        Assert.Equal($"it has not come to an end in {EapLimits.Packets} packets", talk.Run().ServerWhy);
        Assert.InRange(talk.Packets, EapLimits.Packets, 2 * EapLimits.Packets + 4);
    }

    [Fact]
    public void A_server_that_never_ends_is_cut_off()
    {
        using var client = new EapPeer(Kuguru.Ike.Identity.Parse("carol"), [EapType.Md5Challenge], _ => throw new InvalidOperationException());
        EapStep step;
        var packets = 0;
        do
            step = client.Receive(EapPacket.Request((byte)packets++, EapType.Notification, "still here"u8.ToArray()));
        while (step is EapStep.Say);
        Assert.Equal($"it has not come to an end in {EapLimits.Packets} packets", Assert.IsType<EapStep.Fail>(step).Why);
        Assert.Equal(EapLimits.Packets + 1, packets);
    }

    [Fact]
    public void A_client_that_changes_the_method_half_way_fails()
    {
        var talk = new EapTalk();
        talk.Changes = packet => packet.Code == EapCode.Response && packet.Method == EapType.MsChapV2 && packet.Data.Span[0] == 3
            ? packet with { Method = EapType.Md5Challenge } : packet;
        Assert.Equal("it changes from EAP_MSCHAPV2 to EAP_MD5 half-way", talk.Run().ServerWhy);
    }

    [Fact]
    public void A_server_that_changes_the_method_half_way_fails()
    {
        var talk = new EapTalk();
        talk.Changes = packet => packet.Code == EapCode.Request && packet.Method == EapType.MsChapV2 && packet.Data.Span[0] == 3
            ? packet with { Method = EapType.GenericTokenCard, Data = "Password: "u8.ToArray() } : packet;
        Assert.Equal("it changes from EAP_MSCHAPV2 to EAP_GTC half-way", talk.Run().ClientWhy);
    }

    [Fact]
    public void A_nak_after_a_method_has_begun_is_too_late()
    {
        var talk = new EapTalk { Offered = [EapType.MsChapV2, EapType.Md5Challenge] };
        talk.Changes = packet => packet.Code == EapCode.Response && packet.Method == EapType.MsChapV2 && packet.Data.Span[0] == 3
            ? packet with { Method = EapType.Nak, Data = (byte[])[4] } : packet;
        Assert.Equal("it changes from EAP_MSCHAPV2 to EAP_NAK half-way", talk.Run().ServerWhy);
    }

    [Fact]
    public void A_response_to_another_request_fails()
    {
        var talk = new EapTalk();
        talk.Changes = packet => packet.Code == EapCode.Response ? packet with { Identifier = 7 } : packet;
        Assert.Equal("its EAP-Response/EAP_IDENTITY answers request 7, not 42", talk.Run().ServerWhy);
    }

    [Fact]
    public void A_success_that_comes_too_early_is_none()
    {
        var talk = new EapTalk();
        talk.Changes = packet => packet.Code == EapCode.Request && packet.Method == EapType.MsChapV2 && packet.Data.Span[0] == 3
            ? EapPacket.Success(packet.Identifier) : packet;
        Assert.Equal("it lets us in before EAP_MSCHAPV2 is done", talk.Run().ClientWhy);
        talk = new EapTalk();
        talk.Changes = packet => packet.Code == EapCode.Request ? EapPacket.Success(packet.Identifier) : packet;
        Assert.Equal("it lets us in without asking anything", talk.Run().ClientWhy);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("*", true)]
    [InlineData("%any", true)]
    public void No_name_stands_for_everybody(string name, bool isName)
    {
        var identity = EapIdentity.Read(System.Text.Encoding.ASCII.GetBytes(name));
        Assert.Equal(isName, identity is not null);
        Assert.False(identity?.IsAny ?? false);
    }

    [Fact]
    public void A_name_of_two_thousand_octets_is_none() => Assert.Null(EapIdentity.Read(new byte[2000]));
}
