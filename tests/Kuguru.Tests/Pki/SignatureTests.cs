using System.Text.Json;
using Kuguru.Ike.V2;
using Kuguru.Pki;
using Kuguru.Tests.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Pki;

/// <summary>Signatures by every kind of key, and how AUTH says which it is.</summary>
public class SignatureTests
{
    [Theory]
    [InlineData("rsa_signature_2048_sha256", SignatureHash.Sha256, SignatureForm.Pkcs1)]
    [InlineData("rsa_signature_4096_sha512", SignatureHash.Sha512, SignatureForm.Pkcs1)]
    [InlineData("rsa_pss_2048_sha256_mgf1_32", SignatureHash.Sha256, SignatureForm.Pss)]
    [InlineData("rsa_pss_4096_sha384_mgf1_48", SignatureHash.Sha384, SignatureForm.Pss)]
    [InlineData("ecdsa_secp256r1_sha256", SignatureHash.Sha256, SignatureForm.Der)]
    [InlineData("ecdsa_secp256r1_sha256_p1363", SignatureHash.Sha256, SignatureForm.Concatenated)]
    [InlineData("ecdsa_secp384r1_sha384_p1363", SignatureHash.Sha384, SignatureForm.Concatenated)]
    [InlineData("ecdsa_secp521r1_sha512_p1363", SignatureHash.Sha512, SignatureForm.Concatenated)]
    [InlineData("ed25519", SignatureHash.Identity, SignatureForm.Pure)]
    public void Wycheproof_agrees(string file, SignatureHash hash, SignatureForm form)
    {
        var (valid, invalid) = (0, 0);
        foreach (var group in Vectors.Json($"wycheproof/{file}_test.json").GetProperty("testGroups").EnumerateArray())
        {
            Assert.True(PublicKey.TryRead(group.Hex("publicKeyDer"), out var key, out var why), why);
            var scheme = new SignatureScheme(key.Kind, hash, form);
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var (result, isRight) = (test.Text("result"), key.Verify(scheme, test.Hex("msg"), test.Hex("sig")));
                // "acceptable" is a PKCS #1 signature that lacks a NULL: either way is right.
                if (result != "acceptable")
                    Assert.True((result == "valid") == isRight, $"{file} {test.GetProperty("tcId")}: {test.Text("comment")} is {result}");
                (valid, invalid) = result == "valid" ? (valid + 1, invalid) : (valid, invalid + 1);
            }
        }
        Assert.True(valid > 0 && invalid > 40, $"{valid} valid, {invalid} invalid");
    }

    [Fact]
    public void The_AlgorithmIdentifiers_of_RFC_7427_are_known_and_no_others()
    {
        foreach (var one in Given.Cases(Vectors.Json("rfc/rfc7427-algorithm-identifiers.json")))
        {
            var wanted = one.GetProperty("scheme") is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
            Assert.Equal(wanted, SignatureScheme.Of(one.Hex("der"))?.ToString());
        }
    }

    [Fact]
    public void Each_scheme_sends_an_identifier_of_its_own_that_reads_back_and_a_cut_one_is_none()
    {
        foreach (var scheme in SignatureScheme.All)
        {
            Assert.Equal(scheme, SignatureScheme.Of(scheme.Identifier));
            for (var length = 0; length < scheme.Identifier.Length; length++)
                Assert.Null(SignatureScheme.Of(scheme.Identifier.Span[..length]));
        }
        Assert.Equal(SignatureScheme.All.Length, SignatureScheme.All.Select(scheme => scheme.Identifier).Distinct().Count());
    }

    public static TheoryData<string, AuthMethod, string> OlderMethods => new()
    {
        { "rsa2048", AuthMethod.RsaSignature, "RSA_EMSA_PKCS1_SHA1" },
        { "ecdsa256", AuthMethod.EcdsaP256, "ECDSA-256" },
        { "ecdsa384", AuthMethod.EcdsaP384, "ECDSA-384" },
        { "ecdsa521", AuthMethod.EcdsaP521, "ECDSA-521" },
    };

    [Theory]
    [MemberData(nameof(OlderMethods))]
    public void A_peer_without_RFC_7427_gets_the_older_method_of_the_key(string kind, AuthMethod method, string name)
    {
        using var key = KeyPair.Make(kind).Private;
        var octets = "what AUTH covers"u8.ToArray();
        var scheme = AuthData.Choose(key.Public, SignatureRules.None, hashes: [], rsaPss: true)!.Value;
        Assert.Equal((method, name), (AuthData.MethodOf(scheme, negotiated: false), scheme.ToString()));
        var auth = new Payload.Auth(method, AuthData.Write(method, scheme, key.Sign(scheme, octets)));
        Assert.True(AuthData.TryRead(auth, out var signed));
        Assert.Equal(scheme, AuthData.Verify(key.Public, signed, octets));
        Assert.Null(AuthData.Verify(key.Public, signed, "something else"u8));
        // The curve goes with the method.
        if (kind != "ecdsa256")
        {
            using var other = KeyPair.Make("ecdsa256").Private;
            Assert.Null(AuthData.Verify(other.Public, signed, octets));
            Assert.True(AuthData.TryRead(auth with { Method = AuthMethod.EcdsaP256 }, out var renamed));
            Assert.Null(AuthData.Verify(key.Public, renamed, octets));
        }
    }

    [Fact]
    public void Method_1_does_not_say_which_hash_it_is_and_any_that_strongSwan_takes_is_taken()
    {
        using var key = KeyPair.Make("rsa2048").Private;
        foreach (var hash in (SignatureHash[])[SignatureHash.Sha1, SignatureHash.Sha256, SignatureHash.Sha384, SignatureHash.Sha512])
        {
            Assert.True(AuthData.TryRead(new Payload.Auth(AuthMethod.RsaSignature, key.Sign(SignatureScheme.Pkcs1(hash), "octets"u8)), out var signed));
            Assert.Equal(SignatureScheme.Pkcs1(hash), AuthData.Verify(key.Public, signed, "octets"u8));
        }
    }

    [Fact]
    public void Ed25519_has_no_older_method()
    {
        using var key = KeyPair.Make("ed25519").Private;
        Assert.Null(AuthData.Choose(key.Public, SignatureRules.None, hashes: [], rsaPss: false));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0d")]
    [InlineData("0d300d06092a864886f70d01010b05")]
    [InlineData("0d300d06092a864886f70d0101630500aabb")]
    [InlineData("00aabb")]
    [InlineData("ff300d06092a864886f70d01010b0500aabb")]
    public void An_AUTH_of_method_14_that_is_cut_or_names_what_is_unknown_is_refused(string hex) =>
        Assert.False(AuthData.TryRead(new Payload.Auth(AuthMethod.DigitalSignature, Blob.FromHex(hex)), out _));
}
