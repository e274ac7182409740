using System.Security.Cryptography;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Pki;
using Kuguru.Wire;

namespace Kuguru.Daemon.Vici;

/// <summary>What loads, unloads and lists certificates, private keys and authorities. A message with any error changes nothing.</summary>
sealed class CertificateCommands(ControlLoop loop)
{
    public void Register(ViciServer server)
    {
        server.Command("load-cert", (call, _) => LoadCertificate(call.Request));
        server.Command("load-key", (call, _) => LoadKey(call.Request));
        server.Command("unload-key", (call, _) => UnloadKey(call.Request));
        server.Command("get-keys", async (_, _) => new ViciMessage { { "keys", await Ask(node => node.Certificates.Keys.Select(key => key.Key).ToList()) } });
        server.Command("load-authority", (call, _) => LoadAuthorities(call.Request));
        server.Command("unload-authority", (call, _) => UnloadAuthority(call.Request));
        server.Command("get-authorities", async (_, _) => new ViciMessage { { "authorities", await Ask(node => node.Certificates.NamedAuthorities.Keys.Order().ToList()) } });
        server.Command("list-authorities", ListAuthorities);
        server.Command("list-certs", ListCertificates);
        server.Command("flush-certs", (call, _) => Flush(call.Request));
        server.Command("load-token", (_, _) => Failed("keys on tokens are not supported: load them from files"));
    }

    Task<ViciMessage> LoadCertificate(ViciMessage request)
    {
        if (request.Bytes("data") is not { IsEmpty: false } data)
            return Failed("certificate data missing");
        return (request["type"] ?? "").ToUpperInvariant() switch
        {
            "X509" => LoadX509(data, (request["flag"] ?? "none").ToUpperInvariant()),
            "X509_CRL" => RevocationList.TryRead(Blob.Copy(data.Span), out var list, out var why)
                ? Change(store => store.Revocation.Add(list)) : Failed($"loading a CRL failed: {why}"),
            "PUBKEY" => PublicKey.TryReadFile(data.Span, out var key, out var why)
                ? Change(store => store.Add(key)) : Failed($"loading a public key failed: {why}"),
            "X509_AC" => Failed("attribute certificates are not supported"),
            var other => Failed($"unknown certificate type \"{other}\": X509, X509_CRL and PUBKEY are known"),
        };
    }

    Task<ViciMessage> LoadX509(ReadOnlyMemory<byte> data, string flag)
    {
        if (!Certificate.TryRead(data.Span, out var certificate, out var why))
            return Failed($"loading an X.509 certificate failed: {why}");
        return flag switch
        {
            "NONE" => Change(store => store.Add(certificate)),
            "CA" when certificate.IsAuthority => Change(store => store.Add(certificate)),
            "CA" => Failed($"'{certificate.SubjectText}' is no authority: its basicConstraints do not say so; put it into x509"),
            "OCSP" => Change(store => store.AddOcspSigner(certificate)),
            "AA" => Failed("attribute authorities are not supported: there are no attribute certificates"),
            _ => Failed($"unknown flag \"{flag}\" of a certificate: NONE, CA and OCSP are known"),
        };
    }

    Task<ViciMessage> LoadKey(ViciMessage request)
    {
        if (request.Bytes("data") is not { IsEmpty: false } data)
            return Failed("key data missing");
        if (KeyFile.IsEncrypted(data.Span))
            return Failed("the private key has a passphrase: give it in a secret of the types private, rsa, ecdsa or pkcs8");
        var der = KeyFile.Decode(data.Span, out _);
        try
        {
            if (!PrivateKey.TryRead(der, out var key, out var why))
                return Failed($"loading a private key failed: {why}");
            var type = request["type"]?.ToUpperInvariant() ?? "ANY";
            if (type is not ("ANY" or "PRIV" or "") && !type.Equals($"{key.Public.Kind}", StringComparison.OrdinalIgnoreCase))
                return Failed($"the private key is of the type {key.Public.Kind}, not {type}");
            return Ask(node => new ViciMessage { { "success", "yes" }, { "id", node.Certificates.Add(key) } });
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    Task<ViciMessage> UnloadKey(ViciMessage request) => request["id"] is not { } id
        ? Failed("key id missing")
        : Ask(node => node.Certificates.RemoveKey(id) ? Reply.Success : Reply.Failed($"private key not found: {id}"));

    async Task<ViciMessage> LoadAuthorities(ViciMessage request)
    {
        var authorities = new List<AuthorityUris>();
        foreach (var section in request.Sections)
        {
            if (AuthorityReader.Read(section.Name, section.Body, out var errors) is not { } authority)
                return Reply.Refused(errors);
            authorities.Add(authority);
        }
        return await Change(store => authorities.ForEach(store.Add));
    }

    Task<ViciMessage> UnloadAuthority(ViciMessage request) => request["name"] is not { } name
        ? Failed("unload: missing authority name")
        : Ask(node => node.Certificates.RemoveAuthority(name) ? Reply.Success : Reply.Failed($"unload: authority '{name}' not found"));

    async Task<ViciMessage> ListAuthorities(ViciCall call, CancellationToken gone)
    {
        var authorities = await Ask(node => node.Certificates.NamedAuthorities.Values.ToList());
        foreach (var authority in authorities.Where(one => call.Request["name"] is not { } name || one.Name == name).OrderBy(one => one.Name, StringComparer.Ordinal))
        {
            await call.Stream("list-authority", new ViciMessage
            {
                {
                    authority.Name, new ViciMessage
                    {
                        { "cacert", authority.Authority.SubjectText }, { "crl_uris", authority.CrlUris }, { "ocsp_uris", authority.OcspUris },
                    }
                },
            }, gone);
        }
        return [];
    }

    /// <summary>One certificate as it is listed.</summary>
    sealed record Listed(string Type, string Flag, Blob Data, bool HasKey, Func<Identity, bool> Fits, string? Subject = null);

    async Task<ViciMessage> ListCertificates(ViciCall call, CancellationToken gone)
    {
        var (type, flag) = ((call.Request["type"] ?? "ANY").ToUpperInvariant(), (call.Request["flag"] ?? "ANY").ToUpperInvariant());
        Identity? subject = null;
        if (call.Request["subject"] is { } text && !Identity.TryParse(text, out subject, out var error))
            return Reply.Failed(error);
        var all = await Ask(node => List(node.Certificates).ToList());
        foreach (var one in all.Where(one => type is "ANY" || type == one.Type).Where(one => one.Type != "X509" || flag is "ANY" || flag == one.Flag)
            .Where(one => subject is null || one.Fits(subject)))
        {
            await call.Stream("list-cert", new ViciMessage
            {
                { "type", one.Type },
                { "flag", one.Flag },
                { "has_privkey", one.HasKey ? "yes" : null },
                { "data", one.Data.Memory },
                { "subject", one.Subject },
            }, gone);
        }
        return [];
    }

    static IEnumerable<Listed> List(CertificateStore store)
    {
        Listed x509(Certificate certificate, string flag) => new("X509", flag, certificate.Der, store.KeyFor(certificate.Key) is not null,
            wanted => PeerNames.Of(certificate).Any(name => wanted.Fits(name) > 0));
        foreach (var certificate in store.Certificates.Where(one => !one.IsAuthority))
            yield return x509(certificate, "NONE");
        foreach (var certificate in store.Authorities)
            yield return x509(certificate, "CA");
        foreach (var certificate in store.OcspSigners)
            yield return x509(certificate, "OCSP");
        foreach (var key in store.PublicKeys)
        {
            var id = new Identity(IdType.KeyId, key.Fingerprint);
            yield return new("PUBKEY", "NONE", key.Info, store.KeyFor(key) is not null, wanted => wanted.Fits(id) > 0, id.ToString());
        }
        foreach (var list in store.Revocation.Lists)
            yield return new("X509_CRL", "NONE", list.Der, false, wanted => wanted.Fits(new Identity(IdType.DerAsn1Dn, list.Issuer)) > 0);
        foreach (var answer in store.Revocation.Answers)
            yield return new("OCSP_RESPONSE", "NONE", answer.Der, false, _ => false);
    }

    /// <summary>What was fetched is forgotten; nothing else is a cache here.</summary>
    Task<ViciMessage> Flush(ViciMessage request) => (request["type"] ?? "ANY").ToUpperInvariant() is "ANY" or "X509_CRL" or "OCSP_RESPONSE"
        ? Change(store => store.Revocation.Flush()) : Task.FromResult(Reply.Success);

    Task<ViciMessage> Change(Action<CertificateStore> change) => Ask(node =>
    {
        change(node.Certificates);
        return Reply.Success;
    });

    static Task<ViciMessage> Failed(string why) => Task.FromResult(Reply.Failed(why));

    Task<T> Ask<T>(Func<Node, T> question) => loop.Ask((node, _, _) => question(node));
}
