using Kuguru.Crypto;
using Kuguru.Ike.V2;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Which proposal both sides can agree to.</summary>
public class ProposalsTests
{
    public static TheoryData<string, string, string?> IkeChoices() => new()
    {
        // ours, offered -> chosen
        { "aes128-sha256-x25519", "aes128-sha256-x25519", "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519" },
        { "aes128-sha256-x25519", "aes256-sha256-x25519", null },
        { "aes128-sha256-x25519", "aes128-sha384-x25519", null },
        { "aes128-sha256-x25519", "aes128-sha256-ecp256", null },
        { "aes256-aes128-sha256-x25519", "aes128-aes256-sha256-x25519", "IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519" },
        { "aes128-sha256-x25519,aes256-sha256-x25519", "aes256-sha256-x25519,aes128-sha256-x25519", "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519" },
        { "aes128gcm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", "IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519" },
        { "aes128gcm16-prfsha256-x25519", "aes128-sha256-x25519", null },
        { "aes128gcm16-prfsha256-x25519", "aes128gcm16-prfsha384-x25519", null },
        { "aes128-sha256-ecp256-x25519", "aes128-sha256-x25519-ecp256", "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256" },
    };

    [Theory]
    [MemberData(nameof(IkeChoices))]
    public void An_IKE_proposal_is_chosen_in_our_order(string ours, string offered, string? chosen)
    {
        var choice = Proposals.Choose(Configs.Ike(ours), Proposals.Offer(Configs.Ike(offered), Blob.Empty));
        Assert.Equal(chosen, choice?.IkeSuite.ToString());
    }

    public static TheoryData<string, string, bool, string?> EspChoices() => new()
    {
        { "aes128gcm16", "aes128gcm16", true, "ESP:AES_GCM_16_128/NO_EXT_SEQ KE_NONE" },
        { "aes128gcm16-x25519", "aes128gcm16-x25519", true, "ESP:AES_GCM_16_128/NO_EXT_SEQ CURVE_25519" },
        { "aes128gcm16-x25519", "aes128gcm16-ecp256", true, null },
        { "aes128gcm16-x25519", "aes128gcm16", true, null },
        { "aes128gcm16", "aes128gcm16-x25519", true, null },
        { "aes128gcm16-x25519", "aes128gcm16", false, "ESP:AES_GCM_16_128/NO_EXT_SEQ KE_NONE" },
        { "aes128gcm16", "aes128gcm16-x25519", false, "ESP:AES_GCM_16_128/NO_EXT_SEQ KE_NONE" },
        { "aes128gcm16-esn", "aes128gcm16-esn", true, "ESP:AES_GCM_16_128/EXT_SEQ KE_NONE" },
        { "aes128gcm16-esn", "aes128gcm16-noesn", true, null },
        { "aes128gcm16-esn-noesn", "aes128gcm16-noesn", true, "ESP:AES_GCM_16_128/NO_EXT_SEQ KE_NONE" },
        { "aes128gcm16-noesn-esn", "aes128gcm16-esn-noesn", true, "ESP:AES_GCM_16_128/NO_EXT_SEQ KE_NONE" },
        { "aes128-sha256", "aes128-sha1-sha256", true, "ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ KE_NONE" },
        { "aes128-sha256", "aes128gcm16", true, null },
        { "chacha20poly1305", "chacha20poly1305", true, "ESP:CHACHA20_POLY1305/NO_EXT_SEQ KE_NONE" },
    };

    [Theory]
    [MemberData(nameof(EspChoices))]
    public void An_ESP_proposal_has_a_group_only_where_there_is_a_key_exchange(string ours, string offered, bool keyExchange, string? chosen)
    {
        var choice = Proposals.Choose(Configs.Esp(ours), Proposals.Offer(Configs.Esp(offered), new Spi(256).ToBlob()), keyExchange);
        Assert.Equal(chosen, choice is null ? null : $"{choice.ChildSuite} {choice.KeyExchange.Name()}");
    }

    [Theory]
    [InlineData("aes128-sha256-x25519")]
    [InlineData("aes256gcm16-prfsha512-ecp384")]
    [InlineData("chacha20poly1305-prfsha256-modp3072")]
    public void The_answer_to_an_offer_is_accepted_by_who_made_it(string keywords)
    {
        var sets = Configs.Ike(keywords + ",aes192-sha512-modp2048");
        var choice = Proposals.Choose(Configs.Ike("aes192-sha512-modp2048"), Proposals.Offer(sets, new IkeSpi(7).ToBlob()))!;
        Assert.Equal((2, new IkeSpi(7)), ((int)choice.Number, IkeSpi.From(choice.Spi)!.Value));
        var accepted = Proposals.Accept(sets, Proposals.Answer(choice, new IkeSpi(9).ToBlob()))!;
        Assert.Equal((choice.IkeSuite, new IkeSpi(9)), (accepted.IkeSuite, IkeSpi.From(accepted.Spi)!.Value));
    }

    [Fact]
    public void An_answer_with_a_choice_in_it_or_two_proposals_is_none()
    {
        var sets = Configs.Ike("aes128-aes256-sha256-x25519");
        Assert.Null(Proposals.Accept(sets, Proposals.Offer(sets, Blob.Empty)));
        var two = Configs.Ike("aes128-sha256-x25519,aes256-sha256-x25519");
        Assert.Null(Proposals.Accept(two, Proposals.Offer(two, Blob.Empty)));
        Assert.Null(Proposals.Accept(sets, new Payload.SA([])));
    }

    [Fact]
    public void A_type_of_transform_that_is_unknown_spoils_its_proposal_only()
    {
        var good = Proposals.Offer(Configs.Ike("aes128-sha256-x25519"), Blob.Empty).Proposals[0];
        var strange = good with { Transforms = [.. good.Transforms, new Transform((TransformType)77, 1)] };
        Assert.Null(Proposals.Choose(Configs.Ike("aes128-sha256-x25519"), new Payload.SA([strange])));
        Assert.Equal(2, Proposals.Choose(Configs.Ike("aes128-sha256-x25519"), new Payload.SA([strange, good with { Number = 2 }]))!.Number);
    }

    [Theory] // RFC 9370 section 2.2.2
    [InlineData(new[] { 36, 0 }, new int[] { }, true)]
    [InlineData(new[] { 36, 0 }, new[] { 0, 37 }, true)]
    [InlineData(new[] { 36 }, new int[] { }, false)]
    [InlineData(new[] { 36, 0 }, new[] { 37 }, false)]
    public void An_additional_key_exchange_is_left_out_where_it_may_be(int[] first, int[] second, bool fits)
    {
        var sets = Configs.Ike("aes128-sha256-x25519");
        var plain = Proposals.Offer(sets, Blob.Empty).Proposals[0];
        Payload.SA offer = new([plain with
        {
            Transforms = [.. plain.Transforms, .. first.Select(id => new Transform(TransformType.AdditionalKeyExchange1, (ushort)id)),
                .. second.Select(id => new Transform(TransformType.AdditionalKeyExchange2, (ushort)id))],
        }]);
        Assert.StartsWith("AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519/KE1_ML_KEM_768", Proposals.Describe(offer), StringComparison.Ordinal);
        if (Proposals.Choose(sets, offer) is not { } choice)
        {
            Assert.False(fits);
            Assert.StartsWith("it insists on additional key exchanges", Proposals.Remedy(offer, "proposals"), StringComparison.Ordinal);
            return;
        }
        Assert.True(fits);
        var answer = Proposals.Answer(choice, Blob.Empty);
        Assert.Equal(second.Length == 0 ? [TransformType.AdditionalKeyExchange1] : [TransformType.AdditionalKeyExchange1, TransformType.AdditionalKeyExchange2],
            answer.Proposals[0].Transforms.Where(transform => transform.Id == 0).Select(transform => transform.Type));
    }

    [Theory]
    [InlineData(36, "none of its key exchanges is supported: there, add one of ours")]
    [InlineData(19, "add one of its to 'proposals'")]
    public void A_refusal_says_what_helps(int group, string remedy)
    {
        var plain = Proposals.Offer(Configs.Ike("aes128-sha256-x25519"), Blob.Empty).Proposals[0];
        Payload.SA offer = new([plain with { Transforms = plain.Transforms.Select(t => t.Type == TransformType.KeyExchange ? t with { Id = (ushort)group } : t).ToSequence() }]);
        Assert.Equal(remedy, Proposals.Remedy(offer, "proposals"));
    }

    [Fact]
    public void A_transform_with_an_unknown_attribute_is_passed_over()
    {
        var good = Proposals.Offer(Configs.Ike("aes128-sha256-x25519"), Blob.Empty).Proposals[0];
        var odd = new TransformAttribute((TransformAttributeType)99, false, Blob.FromHex("01"));
        Proposal With(TransformType type) => good with { Transforms = good.Transforms.Select(t => t.Type == type ? t with { Attributes = [.. t.Attributes, odd] } : t).ToSequence() };
        foreach (var type in (TransformType[])[TransformType.Encryption, TransformType.Integrity, TransformType.Prf, TransformType.KeyExchange])
            Assert.Null(Proposals.Choose(Configs.Ike("aes128-sha256-x25519"), new Payload.SA([With(type)])));
    }

    [Fact]
    public void A_cipher_without_its_length_of_key_is_another_cipher()
    {
        var good = Proposals.Offer(Configs.Ike("aes128-sha256-x25519"), Blob.Empty).Proposals[0];
        var bare = good with { Transforms = good.Transforms.Select(t => t with { Attributes = [] }).ToSequence() };
        Assert.Null(Proposals.Choose(Configs.Ike("aes128-sha256-x25519"), new Payload.SA([bare])));
    }

    [Fact]
    public void Another_protocol_does_not_fit()
    {
        var offer = Proposals.Offer(Configs.Esp("aes128gcm16"), new Spi(256).ToBlob()).Proposals[0];
        Assert.Null(Proposals.Choose(Configs.Esp("aes128gcm16"), new Payload.SA([offer with { Protocol = ProtocolId.Ah }])));
    }

    [Fact]
    public void An_offered_NONE_is_the_same_as_nothing()
    {
        var good = Proposals.Offer(Configs.Esp("aes128gcm16"), new Spi(256).ToBlob()).Proposals[0];
        var verbose = good with { Transforms = [.. good.Transforms, new Transform(TransformType.Integrity, 0), new Transform(TransformType.KeyExchange, 0)] };
        Assert.NotNull(Proposals.Choose(Configs.Esp("aes128gcm16"), new Payload.SA([verbose])));
    }
}
