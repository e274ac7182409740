using System.Security.Cryptography;
using Kuguru.Ike.V2;
using Kuguru.Pki;
using Xunit;

namespace Kuguru.Tests.Pki;

/// <summary>What <c>auth = pubkey-...</c> demands of AUTH and of chains, as swanctl.conf(5) has it.</summary>
public class SignatureRulesTests
{
    static SignatureRules Rules(string text, bool rsaPss = false) =>
        SignatureRules.TryParse(text, rsaPss, out var rules, out var error) ? rules : throw new InvalidOperationException(error);

    [Theory]
    [InlineData("pubkey", false, "", "", "")]
    [InlineData("rsa", false, "Rsa", "", "")]
    [InlineData("rsa-2048-ecdsa-256", false, "Ecdsa,Rsa", "", "")]
    [InlineData("pubkey-sha384", false, "", "RSA_EMSA_PKCS1_SHA2_384,ECDSA_WITH_SHA384_DER", "RSA_EMSA_PKCS1_SHA2_384,ECDSA_WITH_SHA384_DER")]
    [InlineData("pubkey-sha256", true, "", "RSA_EMSA_PSS_SHA2_256_SALT_32,RSA_EMSA_PKCS1_SHA2_256,ECDSA_WITH_SHA256_DER", "RSA_EMSA_PSS_SHA2_256_SALT_32,RSA_EMSA_PKCS1_SHA2_256,ECDSA_WITH_SHA256_DER")]
    [InlineData("rsa/pss-sha256", false, "Rsa", "RSA_EMSA_PSS_SHA2_256_SALT_32", "RSA_EMSA_PSS_SHA2_256_SALT_32")]
    [InlineData("ed25519-identity", false, "Ed25519", "ED25519", "ED25519")]
    [InlineData("ike:rsa/pss-sha512-pubkey-sha256", false, "", "RSA_EMSA_PSS_SHA2_512_SALT_64", "RSA_EMSA_PKCS1_SHA2_256,ECDSA_WITH_SHA256_DER")]
    [InlineData("ecdsa-384-sha384-sha512", false, "Ecdsa", "ECDSA_WITH_SHA384_DER,ECDSA_WITH_SHA512_DER", "ECDSA_WITH_SHA384_DER,ECDSA_WITH_SHA512_DER")]
    public void Text_becomes_kinds_and_schemes_for_AUTH_and_for_chains(string text, bool rsaPss, string kinds, string auth, string certificates)
    {
        var rules = Rules(text, rsaPss);
        Assert.Equal(kinds, string.Join(',', rules.Kinds.Select(kind => kind.ToString()).Order(StringComparer.Ordinal)));
        Assert.Equal(auth, string.Join(',', rules.ForAuth));
        Assert.Equal(certificates, string.Join(',', rules.ForCertificates));
    }

    [Theory]
    [InlineData("sha256", "does not begin with")]
    [InlineData("", "does not begin with")]
    [InlineData("pubkey-sha3", "\"sha3\" in \"pubkey-sha3\" is no hash")]
    [InlineData("pubkey-2048", "\"2048\" in \"pubkey-2048\" is no hash")]
    [InlineData("rsa--sha256", "is no hash")]
    public void What_is_no_rule_is_named(string text, string expected)
    {
        Assert.False(SignatureRules.TryParse(text, false, out _, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_too_weak_or_of_another_kind_is_refused_in_words()
    {
        var (small, curve) = (KeyPair.Make("rsa1024").Private.Public, KeyPair.Make("ecdsa256").Private.Public);
        var sha256 = SignatureScheme.Pkcs1(SignatureHash.Sha256);
        Assert.Equal("its key is RSA 1024, 'auth' wants 2048 bits", Rules("rsa-2048").WhyNotAuth(small, sha256));
        Assert.Equal("its key is ECDSA 256, 'auth' wants RSA", Rules("rsa-2048").WhyNotAuth(curve, SignatureScheme.Ecdsa(SignatureHash.Sha256)));
        Assert.Equal("it signs by RSA_EMSA_PKCS1_SHA2_256, 'auth' allows RSA_EMSA_PKCS1_SHA2_384, ECDSA_WITH_SHA384_DER", Rules("pubkey-sha384").WhyNotAuth(small, sha256));
        Assert.Null(Rules("pubkey-sha256").WhyNotAuth(small, sha256));
        // The older ECDSA methods are the same algorithm in another form.
        Assert.Null(Rules("ecdsa-sha256").WhyNotAuth(curve, new SignatureScheme(KeyKind.Ecdsa, SignatureHash.Sha256, SignatureForm.Concatenated)));
    }

    [Fact]
    public void Every_key_and_signature_of_a_chain_counts_but_the_roots_own()
    {
        var root = Authority.Root("Old CA", "rsa1024");
        var leaf = root.Issue("moon.example.org", new Wish { Keys = "rsa2048", Hash = HashAlgorithmName.SHA384 });
        Certificate[] chain = [leaf.Certificate, root.Certificate];
        Assert.Equal("certificate 'C=CH, O=Kuguru, CN=Old CA': its key is RSA 1024, 'auth' wants 2048 bits", Rules("rsa-2048").WhyNotChain(chain));
        Assert.Equal("certificate 'C=CH, O=Kuguru, CN=moon.example.org': it is signed by RSA_EMSA_PKCS1_SHA2_384, 'auth' allows RSA_EMSA_PKCS1_SHA2_256, ECDSA_WITH_SHA256_DER",
            Rules("pubkey-sha256").WhyNotChain(chain));
        // The root has signed itself with SHA-256.
        Assert.Null(Rules("pubkey-sha384").WhyNotChain(chain));
        Assert.Null(Rules("ike:pubkey-sha512").WhyNotChain(chain));
    }

    [Fact]
    public void We_sign_as_the_local_section_says_and_the_peer_can()
    {
        var key = KeyPair.Make("rsa2048").Private.Public;
        Assert.Equal("RSA_EMSA_PKCS1_SHA2_384", AuthData.Choose(key, Rules("pubkey-sha512-sha384"), [SignatureHash.Sha384], rsaPss: false).ToString());
        Assert.Equal("RSA_EMSA_PSS_SHA2_256_SALT_32", AuthData.Choose(key, SignatureRules.None, [SignatureHash.Sha256, SignatureHash.Sha512], rsaPss: true).ToString());
        Assert.Null(AuthData.Choose(key, Rules("pubkey-sha512"), [SignatureHash.Sha256], rsaPss: false));
        Assert.Null(AuthData.Choose(key, Rules("ecdsa"), [SignatureHash.Sha256], rsaPss: false));
    }
}
