using System.Collections.Immutable;
using Kuguru.Pki;

namespace Kuguru.Daemon.Vici;

/// <summary><c>load-authority</c>'s message to <see cref="AuthorityUris"/>: one section whose name is the authority's.</summary>
static class AuthorityReader
{
    static readonly KeyTable<Draft> Keys = new KeyTable<Draft>()
        .Files("cacert", Certificate, (d, v) => d with { Certificate = v.FirstOrDefault() })
        .Text("file", (ref d, path) => ReadFile(path, ref d))
        .Each("crl_uris", text => Uri(text, "http", "https", "ldap", "file"), (d, v) => d with { CrlUris = v })
        .Each("ocsp_uris", text => Uri(text, "http", "https"), (d, v) => d with { OcspUris = v })
        .Refused("is not supported: certificates are not fetched by their hash and URL (RFC 7296 section 3.6)", "cert_uri_base")
        .Refused("is not supported: there are no keys on tokens, give cacert", "handle", "slot", "module");

    sealed record Draft(Certificate? Certificate, ImmutableArray<string> CrlUris, ImmutableArray<string> OcspUris);

    public static AuthorityUris? Read(string name, ViciMessage message, out IReadOnlyList<ConfigError> errors)
    {
        var path = $"authorities.{name}";
        var found = new List<ConfigError>();
        var draft = Keys.Read(new Draft(null, [], []), message, path, found);
        if (draft.Certificate is null && found.Count == 0)
            found.Add(new ConfigError(path, "has no cacert: name the authority's certificate in x509ca"));
        if (draft.Certificate is { IsAuthority: false } certificate)
            found.Add(new ConfigError($"{path}.cacert", $"'{certificate.SubjectText}' is no authority: its basicConstraints do not say so"));
        errors = found;
        return found.Count == 0 ? new AuthorityUris(name, draft.Certificate!, draft.CrlUris, draft.OcspUris) : null;
    }

    static (Certificate? Item, string? Error) Certificate(ReadOnlyMemory<byte> file) =>
        Pki.Certificate.TryRead(file.Span, out var certificate, out var why) ? (certificate, null) : (null, why);

    static string? ReadFile(string path, ref Draft draft)
    {
        try
        {
            var (certificate, error) = Certificate(File.ReadAllBytes(path));
            draft = draft with { Certificate = certificate };
            return error;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"cannot read {path}: {e.Message}";
        }
    }

    static (string? Item, string? Error) Uri(string text, params string[] schemes)
    {
        if (!System.Uri.TryCreate(text, UriKind.Absolute, out var uri) || !schemes.Contains(uri.Scheme))
            return (null, KeyTable<Draft>.Not(text, $"an URI that begins with {string.Join(", ", schemes[..^1])} or {schemes[^1]}"));
        return uri.Scheme == LdapQuery.UriScheme && !LdapQuery.TryRead(uri, out _, out var why)
            ? (null, $"{KeyTable<Draft>.Not(text, "an URI of LDAP for one entry")}: {why}") : (text, null);
    }
}
