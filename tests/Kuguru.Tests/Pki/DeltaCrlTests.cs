using Kuguru.Pki;
using Org.BouncyCastle.Asn1.X509;
using Xunit;

namespace Kuguru.Tests.Pki;

/// <summary>Complete CRLs with deltas (RFC 5280 section 5.2.4), and CRLs of one distribution point.</summary>
public class DeltaCrlTests
{
    const string Crl = "http://crl.example.org/ca.crl", Delta = "http://crl.example.org/delta.crl";

    static readonly Authority Root = Authority.Root();
    static readonly Issued Moon = Root.Issue("moon.example.org", new Wish { Extensions = Authority.Uris(Crl, null) });
    static readonly DateTimeOffset Now = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly CrlWish Complete = new() { Number = 5, Freshest = Delta };
    static readonly CrlWish Since = new() { Number = 7, Base = 5, Revoked = [(Moon, CrlReason.KeyCompromise)] };

    readonly Revocation _revocation = new();

    RevocationVerdict Judge(bool mayWait = true) => _revocation.Judge([Moon.Certificate, Root.Certificate], RevocationPolicy.Strict, [], [], Now, mayWait);

    void Answer(string uri, byte[]? bytes, string why = "") => _revocation.Answer(new FetchRequest(uri, Blob.Empty), bytes is null ? default(Blob?) : new Blob(bytes), why, Now);

    string? Fetches() => Judge().Missing.SingleOrDefault()?.Uri;

    [Fact]
    public void What_a_delta_has_revoked_since_counts()
    {
        Assert.Equal(Crl, Fetches());
        Answer(Crl, Complete.By(Root));
        Assert.Equal(Delta, Fetches());
        Answer(Delta, Since.By(Root));
        Assert.Equal($"certificate 'C=CH, O=Kuguru, CN=moon.example.org' is revoked: since 2025-06-01 00:00:00Z, says {Delta}", Judge().Why);
    }

    [Fact]
    public void A_delta_with_nothing_new_leaves_it_good_without_a_word()
    {
        Answer(Crl, Complete.By(Root));
        Answer(Delta, (Since with { Revoked = [(Moon, CrlReason.RemoveFromCrl)] }).By(Root));
        Assert.Equal((null, null, true), (Judge().Why, Judge().Doubt, Judge().Missing.IsEmpty));
    }

    [Fact]
    public void A_complete_list_that_is_loaded_and_its_delta_need_no_fetch()
    {
        Assert.True(_revocation.Add(Since.ReadBy(Root)));
        Assert.True(_revocation.Add(Complete.ReadBy(Root)));
        Assert.EndsWith("says the delta CRL that is loaded", Judge().Why, StringComparison.Ordinal);
        Assert.Equal(2, _revocation.Lists.Count());
    }

    [Fact]
    public void A_delta_that_cannot_be_had_takes_nothing_from_the_complete_list_and_that_is_told()
    {
        Answer(Crl, Complete.By(Root));
        Assert.Equal((null, null), (Judge(mayWait: false).Why, Judge(mayWait: false).Doubt));
        foreach (var (delta, why) in ((byte[]?, string)[])
        [
            (null, $"{Delta}: HTTP status 404"),
            ((Since with { Base = 6 }).By(Root), $"{Delta} is no delta of the CRL"),
            ((Since with { Number = 5 }).By(Root), $"{Delta} is no delta of the CRL"),
            (Complete.By(Root), $"{Delta} is no delta of the CRL"),
            (Since.By(Authority.Root("Somebody else")), $"{Delta} is no delta of the CRL"),
            ((Since with { To = Now.AddDays(-1), Revoked = [] }).By(Root), $"{Delta} is out of date since 2026-12-31 00:00:00Z"),
            ((Since with { From = Now.AddDays(1) }).By(Root), $"{Delta} is of the future: 2027-01-02 00:00:00Z"),
        ])
        {
            Answer(Delta, delta, "HTTP status 404");
            Assert.Equal((null, $"whether certificate 'C=CH, O=Kuguru, CN=moon.example.org' was revoked of late is not known: {why}"), (Judge().Why, Judge().Doubt));
        }
    }

    [Fact]
    public void A_delta_of_an_impostor_with_the_same_name_says_nothing()
    {
        // The same name, and the key identifier of the true one: only the signature is another's.
        var forged = Since.By(Root);
        forged[^1] ^= 1;
        Answer(Crl, Complete.By(Root));
        Answer(Delta, forged);
        Assert.Contains("is not signed by", Judge().Doubt, StringComparison.Ordinal);
        Assert.Null(Judge().Why);
    }

    [Fact]
    public void A_delta_alone_is_not_a_complete_list()
    {
        Answer(Crl, (Since with { Revoked = [] }).By(Root));
        Assert.EndsWith($"{Crl} is a delta CRL, which has only what is new", Judge().Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_of_the_future_says_nothing()
    {
        Answer(Crl, (Complete with { From = Now.AddDays(1) }).By(Root));
        Assert.EndsWith($"{Crl} is of the future: 2027-01-02 00:00:00Z", Judge().Why, StringComparison.Ordinal);
    }

    /// <summary>A part of an authority's list at another part's address, put there by somebody on the way, has no word on this certificate.</summary>
    [Theory]
    [InlineData(Crl, true)]
    [InlineData("http://crl.example.org/ca-2.crl", false)]
    public void A_list_of_one_distribution_point_is_about_certificates_that_name_it(string point, bool isGood)
    {
        Answer(Crl, new CrlWish { Point = point }.By(Root));
        Assert.Equal(isGood, Judge().Why is null);
        if (!isGood)
            Assert.EndsWith($"{Crl} is not about end entities like this one", Judge().Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Octets_that_a_stranger_has_changed_are_refused_or_read_and_never_throw()
    {
        var (random, complete) = (new Random(5280), Complete.ReadBy(Root));
        foreach (var crl in (byte[][])[Complete.By(Root), Since.By(Root), new CrlWish { Point = Crl, Revoked = [(Moon, CrlReason.KeyCompromise)] }.By(Root)])
        {
            for (var i = 0; i < 150; i++)
            {
                var bytes = crl.ToArray();
                for (var flips = random.Next(1, 4); flips > 0; flips--)
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                if (i % 3 == 0)
                    bytes = bytes[..random.Next(bytes.Length)];
                if (!RevocationList.TryRead(bytes, out var list, out var why))
                {
                    Assert.NotEmpty(why);
                    continue;
                }
                _ = (list.Covers(Moon.Certificate), list.RevokedAt(Moon.Certificate), list.IsSignedBy(Root.Certificate), list.Extends(complete));
                _revocation.Add(list);
                Answer(Crl, bytes);
                Judge();
                _revocation.Clear();
            }
        }
    }

    [Fact]
    public void Newer_lists_take_the_place_of_older_ones_of_the_same_kind_alone()
    {
        var part = new CrlWish { Number = 1, Point = Crl };
        foreach (var (wish, isNew) in ((CrlWish, bool)[])
            [(Complete, true), (Complete, false), (Complete with { Number = 4 }, false), (Complete with { Number = 6 }, true), (Since, true), (part, true), (part with { Point = Delta }, true)])
            Assert.Equal(isNew, _revocation.Add(wish.ReadBy(Root)));
        Assert.True(_revocation.Add((Complete with { Number = 6, From = Complete.From.AddDays(1) }).ReadBy(Root)));
        Assert.True(_revocation.Add(Complete.ReadBy(Authority.Root())));
        Assert.Equal(5, _revocation.Lists.Count());
    }

    [Fact]
    public void Of_several_that_are_loaded_the_latest_has_the_first_word()
    {
        // One without an authorityKeyIdentifier is of another series.
        Assert.True(RevocationList.TryRead(RevocationListTests.Crl(), out var first, out _));
        _revocation.Add(first);
        _revocation.Add(new CrlWish { From = first.ThisUpdate.AddHours(1), Revoked = [(Moon, CrlReason.KeyCompromise)] }.ReadBy(Root));
        Assert.Equal(2, _revocation.Lists.Count());
        Assert.Contains("is revoked", Judge().Why, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_fetched_and_proved_is_kept_once_under_the_name_of_its_authority()
    {
        var revocation = new Revocation { KeepsLists = true };
        RevocationVerdict judge(DateTimeOffset at) => revocation.Judge([Moon.Certificate, Root.Certificate], RevocationPolicy.Strict, [], [], at, mayWait: true);
        void answer(string uri, byte[] bytes) => revocation.Answer(new FetchRequest(uri, Blob.Empty), bytes, "", Now);
        var id = Root.Certificate.KeyId.ToString();
        Assert.Equal(40, id.Length);
        // What is somebody else's, or out of date, is not.
        answer(Crl, Complete.By(Authority.Root("Somebody else")));
        judge(Now);
        answer(Crl, (Complete with { To = Now.AddDays(-1) }).By(Root));
        judge(Now);
        Assert.Empty(revocation.TakeProved());
        answer(Crl, (Complete with { To = Now.AddDays(1) }).By(Root));
        Assert.Empty(revocation.TakeProved());
        judge(Now);
        answer(Delta, Since.By(Root));
        judge(Now);
        var kept = revocation.TakeProved();
        Assert.Equal([$"{id}.crl", $"{id}_delta.crl"], kept.Select(one => one.Name));
        Assert.Equal(Since.By(Root).Length, kept[1].List.Der.Length, tolerance: 4);
        judge(Now);
        Assert.Empty(revocation.TakeProved());
        // They stay as files would, and are listed once.
        Assert.Equal(2, revocation.Lists.Count());
        revocation.Flush();
        Assert.Equal(2, revocation.Lists.Count());
        Assert.Contains("is revoked", judge(Now).Why, StringComparison.Ordinal);
        // The next complete list, without a delta.
        Assert.Equal(Crl, judge(Now.AddDays(2)).Missing.Single().Uri);
        answer(Crl, (Complete with { Number = 8, Freshest = null }).By(Root));
        judge(Now.AddDays(2));
        Assert.Equal([$"{id}.crl"], revocation.TakeProved().Select(one => one.Name));
        // Whoever does not want it has nothing kept.
        Answer(Crl, Complete.By(Root));
        Judge();
        Assert.Empty(_revocation.TakeProved());
    }
}
